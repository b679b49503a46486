// A schedule in words. Pure.

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const SHORT = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const UNITS = [[604_800, "week"], [86_400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]];

/** `every 5 minutes`, `every hour`, `every 90 minutes`. */
export function everyText(seconds) {
  const [size, unit] = UNITS.find(([length]) => seconds % length === 0);
  const count = seconds / size;
  return count === 1 ? `every ${unit}` : `every ${count} ${unit}s`;
}

const isNumber = (field) => /^\d+$/.test(field);
// The step of a field like */5 where it divides the whole, so that the times are evenly apart; else null.
const evenly = (field, whole) => (whole % Number(field.slice(2)) === 0 ? Number(field.slice(2)) : null);
const isStep = (field) => /^\*\/\d+$/.test(field);
const time = (hour, minute) => `${hour}:${minute.padStart(2, "0")}`;
const dayNumber = (text) => (isNumber(text) ? Number(text) % 7 : SHORT.indexOf(text.toLowerCase()));

function days(field) {
  if (field === "*" || field === "?") return "every day";
  const [first, last] = field.split("-").map(dayNumber);
  if (/^[\w]+-[\w]+$/.test(field) && first >= 0 && last >= 0) return first === 1 && last === 5 ? "weekdays" : `${DAYS[first]} to ${DAYS[last]}`;
  const listed = field.split(",").map(dayNumber);
  if (listed.some((day) => day < 0 || Number.isNaN(day) || day > 6)) return null;
  if (listed.length === 2 && listed.includes(0) && listed.includes(6)) return "weekends";
  return `every ${listed.map((day) => DAYS[day]).join(", ")}`;
}

/** `weekdays 9:00`, `every 15 minutes`; null where the expression has no short name. */
export function cronText(cron) {
  const fields = cron.trim().split(/\s+/);
  const [minute, hour, day, month, weekday] = fields.length === 6 && fields[0] === "0" ? fields.slice(1) : fields;
  if (fields.length < 5 || fields.length > 6 || weekday === undefined || (fields.length === 6 && fields[0] !== "0") || month !== "*") return null;
  const daily = day === "*" || day === "?";
  if (daily && weekday === "*" && hour === "*") {
    if (minute === "*") return "every minute";
    if (isStep(minute)) return evenly(minute, 60) && everyText(60 * evenly(minute, 60));
    return isNumber(minute) ? (Number(minute) ? `every hour at :${minute.padStart(2, "0")}` : "every hour") : null;
  }
  if (daily && weekday === "*" && isStep(hour) && isNumber(minute) && evenly(hour, 24)) return `${everyText(3600 * evenly(hour, 24))}${Number(minute) ? ` at :${minute.padStart(2, "0")}` : ""}`;
  if (!isNumber(minute) || !hour.split(",").every(isNumber)) return null;
  const at = hour.split(",").map((one) => time(one, minute)).join(", ");
  if (!daily) return isNumber(day) && weekday === "*" ? `on day ${day} of each month, ${at}` : null;
  const on = days(weekday);
  return on && `${on} ${at}`;
}

/** What a schedule's config says: `every 5 minutes`, `weekdays 9:00 Europe/Berlin`. Empty where nothing is set. */
export function scheduleText({ cron, every_s, timezone }) {
  const seconds = Number(every_s);
  if (Number.isInteger(seconds) && seconds > 0) return everyText(seconds);
  if (typeof cron !== "string" || !cron.trim()) return "";
  return `${cronText(cron) ?? cron.trim()}${timezone ? ` ${timezone}` : ""}`;
}
