//! Packets in words for people.

use super::{count, line, lines, state};
use crate::request::{Packet, PacketItem, PacketStanding};
use crate::terminal::Output;

/// What is said of an export that cannot be undone.
pub const CANNOT_BE_CALLED_BACK: &str =
    "What was exported before cannot be called back: whoever has that file keeps it.";

/// The list, and exactly what the counselor would read.
pub fn preview(out: Output, packet: &Packet) -> String {
    let entry = &packet.entry;
    let mut said = vec![
        out.bold(&line(&entry.title)),
        format!("{} · {}", line(&entry.id), state(entry)),
        String::new(),
    ];
    if !packet.readable {
        said.extend([
            "This is no list of entries, so it can be neither agreed to nor exported. It says:"
                .to_owned(),
            String::new(),
            lines(entry.own.words()),
        ]);
        return said.join("\n");
    }
    let many = count(packet.items.len() as u64, "entry", "entries");
    said.push(format!("The list, {many}:"));
    said.extend(packet.items.iter().map(item));
    said.extend([
        String::new(),
        "What would be read, all of it:".to_owned(),
        "────────────────────────────────────────".to_owned(),
        lines(&packet.page),
        "────────────────────────────────────────".to_owned(),
    ]);
    if let Some(agreement) = entry.own.agreement() {
        said.push(match agreement.agreed_by.as_slice() {
            [] => "Nobody has agreed to exactly this list.".to_owned(),
            names => {
                let names: Vec<String> = names.iter().map(|name| line(name)).collect();
                format!("Agreed to exactly this list: {}.", names.join(" and "))
            }
        });
    }
    said.join("\n")
}

fn item(item: &PacketItem) -> String {
    let title = match item.title.as_str() {
        "" => String::new(),
        title => format!("  “{}”", crate::terminal::beginning(title, 40)),
    };
    let standing = match item.standing {
        PacketStanding::AsListed => "",
        PacketStanding::Changed => "  changed since it was put on the list",
        PacketStanding::NotHere => "  not here",
    };
    format!(
        "  {}  {}{title}{standing}",
        line(&item.id),
        line(&item.kind)
    )
}
