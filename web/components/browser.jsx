// Two things that only the browser knows: how long ago something was for the person who looks, and whether anybody looks.
import { useEffect, useState } from "react";

const STEPS = [[60, "second", 1], [3600, "minute", 60], [86400, "hour", 3600], [2592000, "day", 86400], [31536000, "month", 2592000], [Infinity, "year", 31536000]];

function ago(date, now) {
  const seconds = (date - now) / 1000;
  if (Math.abs(seconds) < 10) return "just now";
  const [, unit, size] = STEPS.find(([limit]) => Math.abs(seconds) < limit);
  return new Intl.RelativeTimeFormat("en", { numeric: "always", style: "short" }).format(seconds > 0 ? Math.round(seconds / size) : Math.trunc(seconds / size), unit);
}

export function RelativeTime({ at, ...rest }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 20000);
    return () => clearInterval(timer);
  }, []);
  const date = new Date(at);
  if (!at || Number.isNaN(date.getTime())) return <span {...rest}>–</span>;
  const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" }).format(date);
  return <time dateTime={at} title={exact} {...rest}>{ago(date, Math.max(now, Date.now()))}</time>;
}

// A moment in the zone of the person who looks, to the second only where it has seconds.
export function LocalTime({ at, ...rest }) {
  const date = new Date(at);
  if (!at || Number.isNaN(date.getTime())) return <span {...rest}>–</span>;
  const timeStyle = date.getSeconds() ? "medium" : "short";
  const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" }).format(date);
  return <time dateTime={at} title={exact} {...rest}>{new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle }).format(date)}</time>;
}

// A file's text and its name, once it is chosen; an empty text where it is longer than `most` characters.
export function TextFile({ most, onText, ...rest }) {
  const read = async (event) => {
    const file = event.target.files[0];
    if (!file) return;
    const text = file.size > most * 4 ? "" : await file.text();
    onText?.(text.length > most ? "" : text, file.name);
  };
  return <input type="file" {...rest} onChange={read} />;
}

// Rings every `seconds` while the page is in sight, and once when it comes back into sight.
export function Pulse({ seconds, onPulse }) {
  useEffect(() => {
    const ring = () => { if (document.visibilityState === "visible") onPulse?.(); };
    const timer = setInterval(ring, seconds * 1000);
    document.addEventListener("visibilitychange", ring);
    return () => { clearInterval(timer); document.removeEventListener("visibilitychange", ring); };
  }, [seconds]);
  return null;
}
