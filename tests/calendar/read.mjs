// Reads a calendar file as ical.js does (Thunderbird's reader): PATH-OF-ICAL.JS FILE FROM TO. Prints as read.py does.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [library, file, from, to] = process.argv.slice(2);
const { default: ICAL } = await import(pathToFileURL(library));

const calendar = new ICAL.Component(ICAL.parse(readFileSync(file, "utf8")));
for (const zone of calendar.getAllSubcomponents("vtimezone")) {
  ICAL.TimezoneService.register(zone);
}
const [begin, end] = [from, to].map((day) => new Date(`${day}T00:00:00Z`));
const lines = [];
for (const component of calendar.getAllSubcomponents("vevent")) {
  const event = new ICAL.Event(component);
  const walk = event.iterator();
  for (let next = walk.next(); next; next = walk.next()) {
    const { startDate, endDate } = event.getOccurrenceDetails(next);
    if (startDate.isDate) {
      if (startDate.toString() >= to) break;
      if (startDate.toString() >= from) lines.push(`${startDate.toString()} ${event.summary}`);
      continue;
    }
    const [start, stop] = [startDate, endDate].map((time) => new Date(time.toUnixTime() * 1000));
    if (start >= end) break;
    const text = start.toISOString().replace(".000Z", "Z");
    if (start >= begin) lines.push(`${text} ${(stop - start) / 60000} ${event.summary}`);
  }
}
console.log(lines.sort().join("\n"));
