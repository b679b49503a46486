// When a schedule fires, chosen as people say it. What is chosen is written as a cron expression into the field below, which says the rest.

import React, { useId } from "react";
import { Select, TextInput } from "./controls.jsx";
import { BEGINNING, STEPS, WEEK, chosen, cronOf } from "./often.js";
import { useEditor } from "./store.js";

const CHOICES = [
  { value: "minutes", label: "Every few minutes" },
  { value: "hour", label: "Every hour" },
  { value: "day", label: "Every day" },
  { value: "week", label: "On days of the week" },
  { value: "month", label: "Every month" },
];
const AT = [0, 5, 10, 15, 20, 30, 40, 45, 50, 55];
const two = (number) => String(number).padStart(2, "0");
const listed = (numbers, label, more) => [...new Set([...numbers, more])].sort((a, b) => a - b).map((value) => ({ value, label: label(value) }));
const MONTH = Array.from({ length: 31 }, (_, index) => ({ value: index + 1, label: String(index + 1) }));

/** `09:30`; a time that is still being typed changes nothing. */
function Time({ now, put }) {
  const read = (text) => /^\d\d:\d\d/.test(text) && put({ hour: Number(text.slice(0, 2)), minute: Number(text.slice(3, 5)) });
  return <label>at <TextInput type="time" value={`${two(now.hour)}:${two(now.minute)}`} onChange={read} required data-testid="often-time" /></label>;
}

/** At least one stays chosen. */
function Days({ now, put }) {
  const toggle = (day) => {
    const days = WEEK.map(([one]) => one).filter((one) => (one === day) !== now.days.includes(one));
    if (days.length) put({ days });
  };
  return (
    <div className="ed-chips" role="group" aria-label="Days of the week">
      {WEEK.map(([day, name]) => (
        <label key={day} className="ed-chip"><input type="checkbox" checked={now.days.includes(day)} onChange={() => toggle(day)} />{name}</label>
      ))}
    </div>
  );
}

/** In the panel of a schedule. */
export function Often({ node }) {
  const store = useEditor();
  const id = useId();
  const { cron, every_s } = node.config;
  const set = cron && !every_s ? chosen(cron) : null;
  const now = { ...BEGINNING, ...set };
  const put = (change) => store.change(node.key, { config: { cron: cronOf({ ...now, ...change }), every_s: null } }, `${node.key}/often`);
  const other = every_s ? "Every so many seconds, as below" : cron ? "By the cron expression below" : "Choose …";
  return (
    <div className="ed-often" data-testid="often">
      <div className="ed-field">
        <div className="ed-field-head"><label htmlFor={id}>When</label></div>
        <Select id={id} value={set?.often ?? null} onChange={(often) => often && put({ often })} choices={CHOICES} empty={set ? undefined : other} />
      </div>
      {set && (
        <div className="ed-often-details">
          {set.often === "minutes" && <label>every <Select value={now.step} onChange={(step) => step && put({ step })} choices={STEPS.map((value) => ({ value, label: value === 1 ? "minute" : `${value} minutes` }))} /></label>}
          {set.often === "hour" && <label>at <Select value={now.minute} onChange={(minute) => minute !== undefined && put({ minute })} choices={listed(AT, (value) => `:${two(value)}`, now.minute)} /></label>}
          {set.often === "week" && <Days now={now} put={put} />}
          {set.often === "month" && <label>on day <Select value={now.day} onChange={(day) => day && put({ day })} choices={MONTH} /></label>}
          {["day", "week", "month"].includes(set.often) && <Time now={now} put={put} />}
          {set.often === "month" && now.day > 28 && <p className="ed-hint">Months that have no day {now.day} are left out.</p>}
        </div>
      )}
    </div>
  );
}
