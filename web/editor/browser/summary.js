// The one line that says what a node is set to do, and how long things took.

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

const defaults = (type) => Object.fromEntries(Object.entries(type?.config_schema?.properties ?? {}).map(([name, schema]) => [name, schema.default]));

/** `POST chat.example/hook`: the type's own summary template over the config, else the first required field that is set. */
export function summary(type, node) {
  if (!type) return `No executor offers “${node.type}”`;
  const config = { ...defaults(type), ...node.config };
  const times = node.type === "trigger.schedule" && scheduleText(config);
  if (times) return times;
  if (type.summary) {
    const names = [...type.summary.matchAll(filled)].map(([, name]) => name);
    const text = type.summary.replace(filled, (_, name) => plain(config[name])).replace(/\s+/g, " ").trim();
    if (names.every((name) => plain(config[name]) || type.config_schema?.required?.includes(name) === false) && names.some((name) => plain(config[name]))) return shortUrl(text);
  }
  const required = type.config_schema?.required ?? [];
  const first = [...required, ...Object.keys(node.config ?? {})].find((name) => plain(node.config?.[name]) && !type.config_schema?.properties?.[name]?.["x-credential"]);
  return first ? shortUrl(plain(node.config[first])) : (required.length ? "Not set up yet" : type.description.split(/(?<=\.)\s/)[0].replace(/\.$/, ""));
}

/** Milliseconds as people say them: `3 ms`, `1.4 s`, `2 min 5 s`. */
export function duration(ms) {
  if (ms === null || ms === undefined) return "";
  if (ms < 1) return "<1 ms";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  const [minutes, seconds] = [Math.floor(ms / 60_000), Math.round((ms % 60_000) / 1000)];
  return minutes < 60 ? `${minutes} min ${seconds} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
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
