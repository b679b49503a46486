// The schedules of every day as choices, and the cron expressions that stand for them. Pure.

/** Minutes between two times of `minutes`: each divides the hour, so that the times are evenly apart. */
export const STEPS = [1, 2, 3, 5, 10, 15, 20, 30];
export const WEEK = [[1, "Mon"], [2, "Tue"], [3, "Wed"], [4, "Thu"], [5, "Fri"], [6, "Sat"], [0, "Sun"]];

/** What a choice begins with: at nine, on working days. */
export const BEGINNING = { often: "day", step: 15, minute: 0, hour: 9, days: [1, 2, 3, 4, 5], day: 1 };

const NAMES = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const ANY = new Set(["*", "?"]);

/** The number that a field is, if it is one and within bounds; else null. */
function within(field, least, most) {
  const number = /^\d+$/.test(field) ? Number(field) : NaN;
  return number >= least && number <= most ? number : null;
}

const dayOf = (text) => (NAMES.includes(text.toLowerCase()) ? NAMES.indexOf(text.toLowerCase()) : within(text, 0, 7));

/** `1-5`, `mon,3` → the days' numbers, Sunday's is 0; null for what is more than a list of days. */
function daysOf(field) {
  const days = field.split(",").map((part) => {
    const ends = part.split("-").map(dayOf);
    if (ends.includes(null) || ends.length > 2 || ends[0] > ends.at(-1)) return null;
    return Array.from({ length: ends.at(-1) - ends[0] + 1 }, (_, index) => (ends[0] + index) % 7);
  });
  return days.includes(null) ? null : WEEK.map(([day]) => day).filter((day) => days.flat().includes(day));
}

/** Cron expression → `{often, …}` with what it says of step, minute, hour, days and day; null where it is none of these choices. */
export function chosen(cron) {
  const fields = String(cron ?? "").trim().split(/\s+/);
  if (fields.length === 6 && fields[0] === "0") fields.shift();
  if (fields.length !== 5 || fields[3] !== "*") return null;
  const [minuteField, hourField, dayField, , weekday] = fields;
  const always = ANY.has(dayField) && ANY.has(weekday);
  const step = minuteField === "*" ? 1 : Number(/^\*\/(\d+)$/.exec(minuteField)?.[1]);
  if (STEPS.includes(step)) return always && hourField === "*" ? { often: "minutes", step } : null;
  const minute = within(minuteField, 0, 59);
  if (minute === null) return null;
  if (hourField === "*") return always ? { often: "hour", minute } : null;
  const hour = within(hourField, 0, 23);
  if (hour === null) return null;
  const time = { minute, hour };
  if (always) return { often: "day", ...time };
  if (ANY.has(dayField)) {
    const days = daysOf(weekday);
    return days && { often: "week", ...time, days };
  }
  const day = within(dayField, 1, 31);
  return day !== null && ANY.has(weekday) ? { often: "month", ...time, day } : null;
}

/** `[1, 2, 3, 4, 5]` → `1-5`, others as a list. */
function weekdays(days) {
  const numbers = days.map((day) => day || 7).sort((a, b) => a - b);
  const inARow = numbers.length > 2 && numbers.at(-1) - numbers[0] === numbers.length - 1 && numbers.at(-1) < 7;
  return inARow ? `${numbers[0]}-${numbers.at(-1)}` : numbers.map((day) => day % 7).join(",");
}

/** The cron expression of a choice, of which all of `BEGINNING` is there. */
export function cronOf({ often, step, minute, hour, days, day }) {
  switch (often) {
    case "minutes":
      return step === 1 ? "* * * * *" : `*/${step} * * * *`;
    case "hour":
      return `${minute} * * * *`;
    case "week":
      return `${minute} ${hour} * * ${weekdays(days)}`;
    case "month":
      return `${minute} ${hour} ${day} * *`;
    default:
      return `${minute} ${hour} * * *`;
  }
}
