// A schedule in words, for pages outside of the editor.

import React from "react";
import { scheduleText } from "./schedule.js";

export function Rule({ cron, everyS, timezone }) {
  return <span title={cron ? `${cron} · ${timezone}` : undefined}>{scheduleText({ cron, every_s: everyS, timezone })}</span>;
}
