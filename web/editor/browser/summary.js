// The one line that says what a node is set to do, and how long things took.

import { typeOf } from "./integers.js";
import { scheduleText } from "./schedule.js";

const filled = /\{([a-z_]+)\}/g;

const plain = (value) => {
  if (value === undefined || value === null || value === "") return "";
  if (typeof value === "string") return value.replace(/^\s*\{\{\s*|\s*\}\}\s*$/g, (match, at) => (isWhole(value) ? "" : match)).replace(/\s+/g, " ");
  if (Array.isArray(value)) return value.every((item) => typeof item !== "object") ? value.join(", ") : labels(value);
  if (typeof value === "object") return Object.keys(value).join(", ");
  return String(value);
};

const labels = (list) => {
  const named = list.map((item) => item?.label ?? item?.name).filter(Boolean);
  return named.length === list.length ? named.join(", ") : `${list.length} entries`;
};

const isWhole = (text) => /^\s*\{\{[^{}]*\}\}\s*$/.test(text);

const shortUrl = (text) => text.replace(/https?:\/\//g, "");

const UNITS = [["day", 86_400], ["h", 3600], ["min", 60], ["s", 1]];

/** Seconds as people say them, by the two largest units: `1 day 1 h`, `2 min`, `0.5 s`. */
export function lasting(seconds) {
  const at = UNITS.findIndex(([, size]) => seconds >= size);
  if (at < 0 || at === UNITS.length - 1) return `${seconds} s`;
  let left = Math.round(seconds / UNITS[at + 1][1]) * UNITS[at + 1][1];
  return UNITS.slice(at, at + 2).flatMap(([unit, size]) => {
    const count = Math.floor(left / size);
    left -= count * size;
    return count ? [`${count} ${unit === "day" && count > 1 ? "days" : unit}`] : [];
  }).join(" ");
}

/** A field's value in words; `…_s` are seconds. */
const worded = (config, name) => (!name.endsWith("_s") ? plain(config[name]) : typeof config[name] === "number" ? lasting(config[name]) : plain(config[name]) && `${plain(config[name])} s`);

const defaults = (type) => Object.fromEntries(Object.entries(type?.config_schema?.properties ?? {}).map(([name, schema]) => [name, schema.default]));

/** What people call the node `key`: its name, else its type's, else the key. Empty without a key. */
export const nameOf = ({ graph, catalogue }, key) => {
  const node = graph.nodes.find((one) => one.key === key);
  return node?.name || catalogue[node?.type]?.title || key || "";
};

/** The config with the names of workflows in the place of their ids. */
function spoken(type, config, workflows) {
  const called = Object.entries(type.config_schema?.properties ?? {}).filter(([name, schema]) => schema["x-workflow"] && config?.[name]);
  return { ...config, ...Object.fromEntries(called.map(([name]) => [name, workflows?.find((one) => one.id === config[name])?.name ?? "another workflow"])) };
}

/** `POST chat.example/hook`: the type's own summary template over the config, else the first required field that is set. `workflows`: the
 * `{id, name}` of those that a node may name. */
export function summary(type, drawn, workflows = null) {
  if (!type) return `No executor offers “${drawn.type}”`;
  const node = { ...drawn, config: spoken(type, drawn.config, workflows) };
  const config = { ...defaults(type), ...node.config };
  const times = node.type === "trigger.schedule" && scheduleText(config);
  if (times) return times;
  const required = type.config_schema?.required ?? [];
  const lacks = required.some((name) => !plain(config[name]));
  if (type.summary) {
    const names = [...type.summary.matchAll(filled)].map(([, name]) => name);
    const text = type.summary.replace(filled, (_, name) => worded(config, name)).replace(/\s+/g, " ").replace(/^[\s,:]+|[\s,:]+$/g, "");
    const said = names.some((name) => plain(lacks ? node.config?.[name] : config[name])); // what it lacks is more than what goes without saying
    if (said && names.every((name) => plain(config[name]) || type.config_schema?.required?.includes(name) === false)) return shortUrl(text);
  }
  const fields = type.config_schema?.properties ?? {};
  const set = (name) => plain(node.config?.[name]) && !fields[name]?.["x-credential"];
  // A number, one of a few words, or the names that every such object has, say nothing without their label.
  const says = (name) => set(name) && typeOf(node.config[name]) !== "number" && !fields[name]?.enum && (typeof node.config[name] !== "object" || fields[name]?.additionalProperties);
  const first = required.find(set) ?? (required.length ? undefined : Object.keys(node.config ?? {}).find(says));
  return first ? shortUrl(plain(node.config[first])) : (required.length ? "Not set up yet" : type.description.split(/(?<=\.)\s/)[0].replace(/\.$/, ""));
}

/** What starts the workflow while it is enabled, a line for each trigger: those of the published version, where they are known. */
export function startsText({ doc, graph, catalogue }) {
  const nodes = doc.registered ?? graph.nodes.filter((node) => node.type.startsWith("trigger.") && !node.disabled);
  const lines = nodes.map((node) => {
    const url = node.type === "trigger.webhook" && doc.webhooks?.find((hook) => hook.url.endsWith(`/webhooks/${node.config?.path}`))?.url;
    return `${node.name || catalogue[node.type]?.title || node.type}: ${url || summary(catalogue[node.type], node)}`;
  });
  return lines.join("\n") || "Nothing: it has no trigger.";
}

/** Milliseconds as people say them: `3 ms`, `1.4 s`, `2 min 5 s`. */
export function duration(ms) {
  if (ms === null || ms === undefined) return "";
  if (ms < 0.5) return "< 1 ms";
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_500) return `${(ms / 1000).toFixed(ms < 9950 ? 1 : 0)} s`;
  const whole = Math.round(ms / 1000);
  const [minutes, seconds] = [Math.floor(whole / 60), whole % 60];
  return minutes < 60 ? `${minutes} min ${seconds} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A moment to come: the time of day, with seconds where it is near and with the day where it isn't today. */
export function moment(iso, now = Date.now()) {
  const [at, left] = [new Date(iso), Date.parse(iso) - now];
  const time = at.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", ...(left < 600_000 ? { second: "2-digit" } : {}) });
  return at.toDateString() === new Date(now).toDateString() ? time : `${at.toLocaleDateString(undefined, { day: "numeric", month: "short" })} ${time}`;
}

const ANSWERS = { approval: "Waits for a decision", webhook: "Waits for a call", child: "Waits for the workflow it called" };

/** What a waiting node waits for and until when: `{attempt, wait: {due, reason, answer}}`. */
export function waitText({ attempt, wait }, now = Date.now()) {
  const reason = wait?.reason?.replace(/ until \S+$/, "").replace(/^./, (letter) => letter.toUpperCase());
  const why = reason || ANSWERS[wait?.answer] || (attempt > 1 ? "Tries again" : "Waits");
  if (!wait?.due) return why;
  return `${why} ${!reason && !wait.answer && attempt > 1 ? "at" : "until"} ${moment(wait.due, now)}`;
}

/** A moment as people say it: `just now`, `5 min ago`, a date when it is long past. */
export function ago(iso, now = Date.now()) {
  if (!iso) return "";
  const seconds = Math.max(0, (now - Date.parse(iso)) / 1000);
  if (seconds < 10) return "just now";
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return new Date(iso).toLocaleDateString(undefined, { day: "numeric", month: "short", year: "numeric" });
}
