// Node types name a lucide icon. Those that come with Trestle are in the bundle; any other is fetched when it is first drawn.

import React, { Suspense, lazy } from "react";
import {
  AlarmClock, ArrowRightLeft, Bot, Braces, CalendarClock, CircleStop, Clock, Code, Database, FileText, Filter, Funnel, GitBranch, GitMerge, Globe,
  Hourglass, List, Mail, Merge, MessageSquare, MousePointerClick, PencilLine, Play, Radio, Repeat, Send, Shuffle, Sparkles, Split, StickyNote, Table, TextCursorInput, Timer,
  TriangleAlert, Webhook, Workflow, Zap,
} from "lucide-react";

const BUNDLED = {
  "alarm-clock": AlarmClock, "arrow-right-left": ArrowRightLeft, bot: Bot, braces: Braces, "calendar-clock": CalendarClock, "circle-stop": CircleStop,
  clock: Clock, code: Code, database: Database, "file-text": FileText, filter: Filter, funnel: Funnel, "git-branch": GitBranch, "git-merge": GitMerge, globe: Globe,
  hourglass: Hourglass, list: List, mail: Mail, merge: Merge, "message-square": MessageSquare, "mouse-pointer-click": MousePointerClick, "pencil-line": PencilLine, play: Play, radio: Radio,
  repeat: Repeat, send: Send, shuffle: Shuffle, sparkles: Sparkles, split: Split, "sticky-note": StickyNote, table: Table, "text-cursor-input": TextCursorInput, timer: Timer,
  "triangle-alert": TriangleAlert, webhook: Webhook, workflow: Workflow, zap: Zap,
};

const pascal = (name) => name.split(/[-_ ]/).map((part) => part.charAt(0).toUpperCase() + part.slice(1)).join("");
const fetched = new Map();

function fetchedIcon(name) {
  if (!fetched.has(name)) {
    fetched.set(name, lazy(async () => ({ default: (await import("./all_icons.js")).icons[pascal(name)] ?? Braces })));
  }
  return fetched.get(name);
}

export function Icon({ name, size = 18 }) {
  const Drawn = BUNDLED[name] ?? fetchedIcon(name || "braces");
  return (
    <Suspense fallback={<span style={{ width: size, height: size, display: "inline-block" }} />}>
      <Drawn size={size} strokeWidth={1.75} aria-hidden="true" />
    </Suspense>
  );
}

const HUES = { triggers: "crimson", trigger: "crimson", flow: "violet", data: "teal", network: "blue", messaging: "orange", apps: "brown", ai: "plum", notes: "amber" };
const SPARE = ["cyan", "gold", "jade", "indigo", "pink", "bronze"];

/** The Radix colour scale of a group of node types. */
export function hueOf(group) {
  const name = (group ?? "").toLowerCase();
  return HUES[name] ?? SPARE[[...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % SPARE.length];
}

/** The tile of a node type: its icon on its group's colour. */
export function TypeTile({ type, small = false }) {
  const hue = hueOf(type?.group);
  return (
    <span className={small ? "ed-tile ed-tile-small" : "ed-tile"} style={{ "--tile": `var(--${hue}-a3)`, "--tile-ink": `var(--${hue}-11)` }}>
      <Icon name={type && !type.broken ? type.icon : "triangle-alert"} size={small ? 15 : 18} />
    </span>
  );
}
