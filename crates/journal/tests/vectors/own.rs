//! Changes of own parts: acts and statements.

use super::*;

/// Ana's own part of a boundary with one act in it, Eve being her device.
pub(super) fn acts(area: &mut Area) {
    const WHOLE: &str = "An act added to an own part is taken";
    let act = |verb, n| Act {
        verb,
        n,
        time: 0,
        hash: [5; 32],
        heads: vec![[6; 32]],
        ends: vec![],
        reason: String::new(),
    };
    let add = |bytes: Vec<u8>| {
        op(
            put(ScalarValue::Bytes(bytes)),
            container(1),
            beginning(),
            true,
            vec![],
        )
    };
    let mut bench = Bench::new(EntryKind::Boundary, PartKind::Own, common::ENTRY);
    let first = forged(&bench.part, EVE, vec![add(act(Verb::Agree, 3).bytes())]);
    bench.hold(EVE, &first);
    let part = bench.part.clone();
    let second = forged(&part, EVE, vec![add(act(Verb::Decline, 4).bytes())]);
    bench.whole(area, WHOLE, EVE, &second);
    let written = id(3, EVE);
    let other = || put(ScalarValue::Bytes(act(Verb::Decline, 9).bytes()));
    let mut no = |says: &str, operation: Op, step: &str| {
        let change = forged(&part, EVE, vec![operation]);
        area.broken(WHOLE, says, bench.arrives(EVE, &change), step);
    };
    no(
        "A change that deletes an act is refused",
        op(
            OpType::Delete,
            container(1),
            after(written.clone()),
            false,
            vec![written.clone()],
        ),
        "4: alters an act",
    );
    no(
        "A change that puts another act in the place of one is refused",
        op(
            other(),
            container(1),
            after(written.clone()),
            false,
            vec![written.clone()],
        ),
        "4: alters an act",
    );
    no(
        "A change that puts an act beside one in its place is refused",
        op(other(), container(1), after(written.clone()), false, vec![]),
        "4: alters an act",
    );
    no(
        "A change that counts an act up is refused",
        op(
            OpType::Increment(1),
            container(1),
            after(written.clone()),
            false,
            vec![written],
        ),
        "4: alters an act",
    );
    no(
        "A change that adds words where acts stand is refused",
        op(put("words"), container(1), beginning(), true, vec![]),
        "4: alters an act",
    );
    no("An act of no bytes is refused", add(vec![]), "4: act");
    no(
        "An act with a byte after it is refused",
        add([act(Verb::Agree, 4).bytes(), vec![0]].concat()),
        "4: act",
    );
}

/// What begins an entry of each kind whose entries are begun by a statement, in the list `said`.
pub(super) fn beginnings(area: &mut Area) -> usize {
    let mut kinds = 0;
    for kind in EntryKind::ALL {
        let (name, entry) = (kind.name(), said::id(kind));
        let bench = Bench::new(kind, PartKind::Own, entry);
        let Some(list) =
            (1..3).find(|list| said::says_in(&bench.part, ANA, *list, &[begins(0)]).is_ok())
        else {
            continue;
        };
        kinds += 1;
        let change = |actor, statements: &[_]| said::change(&bench.part, actor, list, statements);
        let whole = format!(
            "What begins an entry of the kind {name} is taken from the device that its id names"
        );
        bench.whole(area, &whole, ANA, &change(ANA, &[begins(0)]));
        let mut no = |says: String, actor, statements: &[_], step: &str| {
            area.broken(
                &whole,
                &says,
                bench.arrives(actor, &change(actor, statements)),
                step,
            );
        };
        no(
            format!(
                "What begins an entry of the kind {name} is refused from a device that its id does not name"
            ),
            BO,
            &[begins(0)],
            "4: rule",
        );
        no(
            format!("What begins an entry of the kind {name} is refused in a role that is none"),
            ANA,
            &[begins(200)],
            "4: rule",
        );
        no(
            format!("What begins an entry of the kind {name} is refused with an item more"),
            ANA,
            &[statement(BEGIN, 1, &[&[5; 16], &[0], &[], &[]])],
            "4: rule",
        );
        no(
            format!(
                "A statement in an entry of the kind {name} is refused with a verb that is none"
            ),
            ANA,
            &[begins(0), statement(250, 2, &[])],
            "4: rule",
        );
    }
    kinds
}
