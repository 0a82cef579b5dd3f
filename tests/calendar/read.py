"""Reads a calendar file as Python's icalendar and recurring-ical-events do: FILE FROM TO, two days in UTC.

Prints one line for each event that begins from the one day to before the other: start in UTC and minutes, or the day, and the title.
"""

import sys
from datetime import date, datetime, timezone

import icalendar
import recurring_ical_events

with open(sys.argv[1], "rb") as file:
    calendar = icalendar.Calendar.from_ical(file.read())
begin, end = (datetime.fromisoformat(day).replace(tzinfo=timezone.utc) for day in sys.argv[2:4])
lines = []
for event in recurring_ical_events.of(calendar).between(begin, end):
    start, title = event["DTSTART"].dt, event["SUMMARY"]
    if not isinstance(start, datetime):
        if begin.date() <= start < end.date():
            lines.append(f"{start.isoformat()} {title}")
        continue
    start = start.astimezone(timezone.utc)
    minutes = int((event["DTEND"].dt.astimezone(timezone.utc) - start).total_seconds() / 60)
    if begin <= start < end:
        lines.append(f"{start.strftime('%Y-%m-%dT%H:%M:%SZ')} {minutes} {title}")
print("\n".join(sorted(lines)))
