// The next times of a schedule, as it is set in the panel just now.

import React, { useEffect } from "react";
import { CalendarClock } from "lucide-react";
import { useEditor, useStore } from "./store.js";

const PAUSE_MS = 400;
const SHOWN = 5;
const moment = (iso, zone) => new Date(iso).toLocaleString(undefined, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit", timeZone: zone });

/** A moment in this zone; in the browser's where that is unknown. */
function text(iso, zone) {
  try {
    return moment(iso, zone || undefined);
  } catch {
    return moment(iso);
  }
}

/** In the panel of a schedule. */
export function NextTimes({ node }) {
  const store = useEditor();
  const times = useStore((state) => state.times);
  const settings = useStore((state) => state.doc?.settings);
  const { cron, every_s } = node.config;
  const timezone = node.config.timezone || settings?.timezone || "UTC";
  const set = Boolean(cron) !== Boolean(every_s);
  useEffect(() => {
    if (!set) return undefined;
    const timer = setTimeout(() => store.emit.times({ cron, every_s, timezone }), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [store, set, cron, every_s, timezone]);
  const asked = times?.asked;
  if (!set) return <p className="ed-hint">Choose when, or give a cron expression or a number of seconds below; the next times are then shown here.</p>;
  if (!asked || (asked.cron ?? null) !== (cron ?? null) || (asked.every_s ?? null) !== (every_s ?? null) || asked.timezone !== timezone) return <p className="ed-hint">Next times …</p>;
  if (times.error) return <p className="ed-problem" data-testid="next-times">{times.error}</p>;
  return (
    <div className="ed-times" data-testid="next-times">
      <h3><CalendarClock size={13} aria-hidden="true" /> Next times <span className="ed-muted">{timezone}</span></h3>
      <ol>{times.next.slice(0, SHOWN).map((iso) => <li key={iso}>{text(iso, timezone)}</li>)}</ol>
      {!times.next.length && <p className="ed-hint">It never fires.</p>}
    </div>
  );
}
