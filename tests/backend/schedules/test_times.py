"""When schedules fire: cron's fields, zones, daylight saving, intervals."""

# ruff: noqa: DTZ001 - hypothesis makes times of naive bounds

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import example, given
from hypothesis import strategies as st

from backend.schedules.times import BadSchedule, Schedule, parse

ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]


@pytest.mark.parametrize(
    ("cron", "zone", "start", "expected"),
    [
        # The gap: the first minute that exists.
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", ["29T01:00Z", "30T00:30Z"]),
        ("0,30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", ["29T01:00Z", "30T00:00Z", "30T00:30Z"]),
        ("*/30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", ["29T01:00Z", "30T00:00Z", "30T00:30Z"]),
        ("0 30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", ["29T01:00Z", "30T00:30Z"]),
        ("30 2 * * *", "America/New_York", "2026-03-07T12:00", ["08T07:00Z", "09T06:30Z"]),
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00", ["03T15:30Z", "04T15:15Z"]),
        # The fold: once, the first.
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", ["25T00:30Z", "26T01:30Z"]),
        ("*/30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", ["25T00:00Z", "25T00:30Z", "26T01:00Z"]),
        ("0 30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", ["25T00:30Z", "26T01:30Z"]),
        ("30 1 * * *", "America/New_York", "2026-10-31T12:00", ["01T05:30Z", "02T06:30Z"]),
        ("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T12:00", ["04T14:45Z", "05T15:15Z"]),
        # Every so often runs on through both.
        ("0 * * * *", "Europe/Berlin", "2026-03-29T00:30", ["29T00:00Z", "29T01:00Z", "29T02:00Z"]),
        ("0 * * * *", "Europe/Berlin", "2026-10-25T01:30", ["25T00:00Z", "25T01:00Z", "25T02:00Z"]),
        ("*/30 * * * *", "Australia/Lord_Howe", "2026-04-05T01:10", ["04T14:30Z", "04T15:00Z", "04T15:30Z"]),
        ("0 */2 * * *", "Australia/Lord_Howe", "2026-10-04T00:30", ["03T17:00Z", "03T19:00Z"]),
        # Fields.
        ("*/20 * * * * *", "UTC", "2026-01-01T00:00", ["01T00:00:20Z", "01T00:00:40Z", "01T00:01Z"]),
        ("0 9 * * MON-FRI", "UTC", "2026-01-02T10:00", ["05T09:00Z", "06T09:00Z"]),
        ("0 0 L * *", "UTC", "2026-02-01T10:00", ["28T00:00Z", "31T00:00Z"]),
        ("0 0 29 2 *", "UTC", "2026-02-01T10:00", ["29T00:00Z"]),
    ],
)
def test_cron(cron: str, zone: str, start: str, expected: list[str]) -> None:
    moment = datetime.fromisoformat(start).replace(tzinfo=ZoneInfo(zone))
    times = parse({"cron": cron, "timezone": zone}).upcoming(moment, len(expected))
    assert [f"{time:%dT%H:%M:%S}Z".replace(":00Z", "Z") for time in times] == expected


def test_intervals_are_anchored() -> None:
    every = parse({"every_s": 900})
    start = datetime(2026, 1, 1, 10, 7, 3, 5, tzinfo=UTC)
    assert [f"{time:%H:%M:%S}" for time in every.upcoming(start, 3)] == ["10:15:00", "10:30:00", "10:45:00"]
    assert every.upcoming(datetime(2026, 1, 1, 10, 15, tzinfo=UTC), 1) == [datetime(2026, 1, 1, 10, 30, tzinfo=UTC)]
    assert every.latest(start, start - timedelta(hours=1), 2) == [
        datetime(2026, 1, 1, 9, 45, tzinfo=UTC),
        datetime(2026, 1, 1, 10, tzinfo=UTC),
    ]


@pytest.mark.parametrize(
    ("config", "field", "says"),
    [
        ({}, "cron", "one of the two"),
        ({"cron": "* * * * *", "every_s": 5}, "cron", "one of the two"),
        ({"cron": "* * * *"}, "cron", "4 fields"),
        ({"cron": "@daily"}, "cron", "1 fields"),
        ({"cron": "61 * * * *"}, "cron", "minute"),
        ({"cron": "0 0 31 2 *"}, "cron", "day-of-month"),
        ({"cron": "0 0 * * 8"}, "cron", "day-of-week"),
        ({"cron": "x" * 201}, "cron", "characters"),
        ({"cron": 5}, "cron", "text"),
        ({"every_s": 0}, "every_s", "from 1"),
        ({"every_s": 1.5}, "every_s", "whole"),
        ({"every_s": True}, "every_s", "whole"),
        ({"every_s": 10**9}, "every_s", "a year"),
        ({"every_s": 5, "timezone": "Mars/Olympus"}, "timezone", "Mars/Olympus"),
        ({"every_s": 5, "timezone": "../etc/passwd"}, "timezone", "no time zone"),
    ],
)
def test_what_can_not_be(config: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(BadSchedule, match=says) as caught:
        parse(config)
    assert caught.value.field == field


def test_the_zone_is_the_workflows_where_none_is_given() -> None:
    assert parse({"cron": "0 9 * * *"}, timezone="Europe/Berlin").timezone == "Europe/Berlin"
    assert parse({"cron": "0 9 * * *", "timezone": ""}, timezone="Europe/Berlin").timezone == "Europe/Berlin"
    assert parse({"cron": "0 9 * * *", "timezone": "UTC"}, timezone="Europe/Berlin").timezone == "UTC"


minutes = st.sampled_from(["*", "*/15", "0", "30", "15,45", "5-50/20"])
hours = st.sampled_from(["*", "*/2", "*/5", "1", "2", "1-3", "0,2,23", "0-23"])
days = st.sampled_from(["*", "1", "29", "L"])
# Around the changes of 2026 and at any other time.
moments = st.one_of(
    st.datetimes(datetime(2026, 3, 27), datetime(2026, 3, 31)),
    st.datetimes(datetime(2026, 3, 6), datetime(2026, 3, 10)),
    st.datetimes(datetime(2026, 4, 3), datetime(2026, 4, 6)),
    st.datetimes(datetime(2026, 10, 2), datetime(2026, 10, 5)),
    st.datetimes(datetime(2026, 10, 23), datetime(2026, 10, 27)),
    st.datetimes(datetime(2026, 10, 30), datetime(2026, 11, 3)),
    st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)),
).map(lambda naive: naive.replace(tzinfo=UTC))


def fits(schedule: Schedule, time: datetime) -> bool:
    """Whether the zone's clock shows a time that cron's fields name."""
    naive = time.astimezone(ZoneInfo(schedule.timezone)).replace(tzinfo=None)
    return next(CronSim(schedule.cron or "", naive - timedelta(seconds=1))) == naive


def after_a_gap(schedule: Schedule, time: datetime) -> bool:
    """Whether the zone's clock jumped forward to this time."""
    zone = ZoneInfo(schedule.timezone)
    before, here = (moment.astimezone(zone).utcoffset() for moment in (time - timedelta(seconds=1), time))
    return before is not None and here is not None and here > before


@given(minutes, hours, days, st.sampled_from(ZONES), moments)
@example("30", "2", "*", "Europe/Berlin", datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC))
@example("30", "2", "*", "Europe/Berlin", datetime(2026, 10, 25, 0, 30, tzinfo=UTC))
def test_times_rise_fit_and_read_the_same_backwards(minute: str, hour: str, day: str, zone: str, moment: datetime) -> None:
    schedule = parse({"cron": f"{minute} {hour} {day} * *", "timezone": zone})
    times = schedule.upcoming(moment, 12)
    assert len(times) == 12
    assert all(one < other for one, other in pairwise([moment, *times]))
    assert all(fits(schedule, time) or (after_a_gap(schedule, time) and not hour.startswith("*")) for time in times)
    assert schedule.latest(times[-1], times[0], 100) == times
    assert schedule.latest(times[-1], times[0], 3) == times[-3:]
    # Wherever one starts, the times are the same.
    middle = moment + (times[-1] - moment) / 2
    assert schedule.upcoming(middle, 1) == [next(time for time in times if time > middle)]


@given(st.sampled_from(ZONES), st.dates(datetime(2020, 1, 1).date(), datetime(2035, 1, 1).date()), st.integers(0, 23), st.integers(0, 59))
def test_a_daily_schedule_fires_once_every_day(zone: str, day: Any, hour: int, minute: int) -> None:
    schedule = parse({"cron": f"{minute} {hour} * * *", "timezone": zone})
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)) - timedelta(seconds=1)
    days = [time.astimezone(ZoneInfo(zone)).date() for time in schedule.upcoming(midnight, 5)]
    assert days == [day + timedelta(days=place) for place in range(5)]


@given(st.integers(1, 10_000_000), moments)
def test_intervals_do_not_drift(every_s: int, moment: datetime) -> None:
    schedule = parse({"every_s": every_s})
    first, second = schedule.upcoming(moment, 2)
    assert second - first == timedelta(seconds=every_s)
    assert timedelta() < first - moment <= timedelta(seconds=every_s)
    assert schedule.latest(second, first, 10) == [first, second]
