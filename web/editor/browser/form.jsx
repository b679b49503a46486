// The form of a node's config, drawn from its type's JSON Schema. Every field that isn't literal also takes an expression.

import React, { useEffect, useId, useLayoutEffect, useRef, useState } from "react";
import { ExternalLink, KeyRound } from "lucide-react";
import { marked } from "./code_words.jsx";
import { CodeBox, JsonBox, Select, TextBox, TextInput, Toggle, expressionClass, useDraft } from "./controls.jsx";
import { taking } from "./drag_value.js";
import { isWhole, numberOf } from "./integers.js";
import { partsOf, within } from "./marking.js";
import { Preview } from "./preview.jsx";
import { Rows } from "./row_list.jsx";
import { brokenJson, fieldsOf, isExpression, jsonText, parsedJson } from "./schema.js";
import { useStore } from "./store.js";

const TYPED = new Set(["text", "multiline", "number", "json", "condition", "code", "credential", "workflow"]);
const plainText = (value) => (value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value));

/** Whether a field is shown as an expression: it holds one, or somebody has asked for it on a field that isn't typed text. */
function useExpressionMode(field, value, onChange) {
  const [asked, setAsked] = useState(false);
  const possible = !field.literal && field.kind !== "credential";
  const isOne = isExpression(value) && possible;
  const mode = possible && (isOne || asked);
  const toggle = () => {
    setAsked(!mode);
    if (mode && !TYPED.has(field.kind)) onChange(undefined);
  };
  const lit = mode || (possible && typeof value === "object" && JSON.stringify(value).includes("{{"));
  return { possible, mode, lit, toggle };
}

const NONE = [];
const BY_HAND = {
  credential: "A credential is chosen here: it takes no value of a run.",
  workflow: "A workflow is chosen here: it takes no value of a run.",
};
const holds = (value) => value !== null && typeof value === "object" && Object.keys(value).length > 0;

/** What a field does with a value that is let go on it (drag_value.js). */
function dropped({ kind, literal }, mode, value, take) {
  if (kind === "code") return {}; // its paths are written without brackets
  if (BY_HAND[kind] || literal) return { text: false, why: BY_HAND[kind] ?? "This is set by hand: it takes no expression." };
  if (mode || TYPED.has(kind)) return {};
  return kind !== "choices" && holds(value) ? { why: "Something stands here already: let it go in one of the fields within, or empty this first." } : { take };
}

/** `problems` are those of this field and of what is in it (`within` in marking.js). */
export function Field({ field, value, onChange, problems = NONE, plain = false }) {
  const id = useId();
  const { possible, mode, lit, toggle } = useExpressionMode(field, value, onChange);
  const asExpression = mode && !["text", "multiline", "condition", "json"].includes(field.kind);
  const Control = asExpression ? Expression : CONTROLS[field.kind];
  const box = useRef(null);
  const drop = dropped(field, mode, value, onChange);
  useLayoutEffect(() => taking(box.current, drop));
  const inline = field.kind === "switch" && !asExpression;
  const parts = asExpression ? NONE : partsOf(field, value).map((part) => part.name);
  const own = problems.filter((problem) => !parts.includes(problem.rest[0]));
  const calm = own.every((problem) => problem.calm);
  return (
    <div className={`ed-field${inline ? " is-inline" : ""}${own.length ? (calm ? " is-to-fill" : " has-problem") : ""}`} data-testid={plain ? undefined : `field-${field.name}`} data-kind={field.kind} data-takes={drop.take ? true : undefined} ref={box}>
      <div className="ed-field-head">
        <label htmlFor={id}>{field.label}{field.required && <span className="ed-required" title="Required"> *</span>}</label>
        {possible && (
          <button type="button" className="ed-fx" data-on={lit || undefined} onClick={toggle} disabled={TYPED.has(field.kind) && field.kind !== "number"}
            aria-pressed={mode} aria-label={mode ? "An expression" : "Make it an expression"}
            title={mode ? "An expression, worked out when the node runs" : "Takes an expression: {{ payload.name }}"}>fx</button>
        )}
      </div>
      <Control id={id} field={field} value={value} onChange={onChange} problems={problems} />
      {!field.literal && <Preview value={value} said={own} />}
      {field.help && <p className="ed-hint">{marked(field.help)}</p>}
      {own.length > 0 && <p className={calm ? "ed-problem is-calm" : "ed-problem"} role={calm ? "note" : "alert"}>{marked(own.map((problem) => problem.message).join(" "))}</p>}
    </div>
  );
}

const hold = (field) => field.placeholder || (field.default !== null ? plainText(field.default) : "");
const blank = (text) => (text === "" ? undefined : text);

function Expression({ id, field, value, onChange }) {
  return <TextBox id={id} rows={1} className="is-mono is-expression" value={plainText(value)} onChange={(text) => onChange(blank(text))} placeholder={`{{ payload.${field.name || "value"} }}`} />;
}

const isLong = (text) => isExpression(text) && text.length > 28; // so many fit a line of the narrowest panel

function Text({ id, field, value, onChange }) {
  const text = plainText(value);
  // One field or the other, but never changed while somebody types into it: it would lose the cursor.
  const [long, setLong] = useState(() => isLong(text));
  const settle = () => setLong(isLong(text));
  const input = { id, value: text, onChange: (next) => onChange(blank(next)), onBlur: settle, placeholder: hold(field), className: expressionClass(text) };
  return long ? <TextBox rows={1} {...input} /> : <TextInput {...input} />;
}

function Multiline({ id, field, value, onChange }) {
  const text = plainText(value);
  return <TextBox id={id} rows={3} value={text} onChange={(next) => onChange(blank(next))} placeholder={hold(field)} className={expressionClass(text)} />;
}

function readNumber(field) {
  return (text) => {
    if (text.trim() === "") return undefined;
    if (text.includes("{{")) return text;
    const number = numberOf(text);
    if (!isWhole(number) && !Number.isFinite(number)) throw new Error("Not a number. For an expression write {{ … }}.");
    if (field.whole && !isWhole(number)) throw new Error("A whole number, please.");
    if (field.min !== undefined && number < field.min) throw new Error(`At least ${field.min}.`);
    if (field.max !== undefined && number > field.max) throw new Error(`At most ${field.max}.`);
    return number;
  };
}

function NumberInput({ id, field, value, onChange }) {
  const [draft, change, wrong] = useDraft(value, plainText, readNumber(field), onChange);
  return (
    <>
      <TextInput id={id} inputMode={draft.includes("{") ? "text" : "decimal"} value={draft} onChange={change} placeholder={hold(field)} className={expressionClass(draft)} />
      {wrong && <p className="ed-problem">{wrong}</p>}
    </>
  );
}

function readJson(text) {
  if (brokenJson(text)) throw new Error("Not valid JSON yet; it is saved once it is.");
  return parsedJson(text);
}

function Json({ id, field, value, onChange, rows = 2 }) {
  const [draft, change, wrong] = useDraft(value, jsonText, readJson, onChange);
  return (
    <>
      <JsonBox id={id} rows={rows} value={draft} onChange={change} className={expressionClass(draft)} placeholder={hold(field) || '{"name": "{{ payload.name }}"}'} />
      {wrong && <p className="ed-problem">{wrong}</p>}
    </>
  );
}

const Condition = ({ field, ...rest }) => <Json field={{ ...field, placeholder: field.placeholder || "{{ payload.score >= 80 }}" }} rows={1} {...rest} />;

const Code = ({ id, field, value, onChange }) => <CodeBox id={id} value={plainText(value)} onChange={(text) => onChange(blank(text))} placeholder={hold(field)} language={field.language} />;

function Switch({ id, field, value, onChange }) {
  return <Toggle id={id} label={field.label} value={value ?? field.default} onChange={onChange} />;
}

function Choice({ id, field, value, onChange }) {
  const choices = field.choices.map((choice) => ({ value: choice, label: String(choice) }));
  return <Select id={id} value={value ?? field.default} onChange={(next) => onChange(next)} choices={choices} empty={field.nullable && field.default === null ? "—" : undefined} />;
}

function Choices({ field, value, onChange }) {
  const chosen = Array.isArray(value) ? value : Array.isArray(field.default) ? field.default : [];
  const toggle = (choice) => onChange(field.choices.filter((other) => (other === choice ? !chosen.includes(choice) : chosen.includes(other))));
  return (
    <div className="ed-chips" role="group">
      {field.choices.map((choice) => (
        <label key={choice} className="ed-chip"><input type="checkbox" checked={chosen.includes(choice)} onChange={() => toggle(choice)} />{String(choice)}</label>
      ))}
    </div>
  );
}

const freshValue = (field) => (field.kind === "object" ? {} : field.kind === "list" ? [] : "");

function List({ field, value, onChange }) {
  const rows = Array.isArray(value) ? value : [];
  const stacked = field.item.kind === "object" || field.item.kind === "union";
  const draw = (row, change, index) => <Nested field={{ ...field.item, label: "", placeholder: field.item.placeholder || field.placeholder }} value={row} onChange={(next) => change(next ?? freshValue(field.item))} index={index} />;
  return <Rows rows={rows} onChange={(next) => onChange(next.length ? next : undefined)} draw={draw} fresh={() => freshValue(field.item)} stacked={stacked} add="Add" />;
}

/** An entry of a list: its control alone, without label and help. */
function Nested({ field, value, onChange }) {
  const id = useId();
  const Control = CONTROLS[isExpression(value) && !["text", "multiline", "json", "condition", "number"].includes(field.kind) ? "text" : field.kind];
  const control = <Control id={id} field={field} value={value} onChange={onChange} rows={1} />;
  if (field.literal) return control;
  return <div className="ed-nested-value">{control}<Preview value={value} /></div>;
}

const toRows = (value) => (value && typeof value === "object" && !Array.isArray(value) ? Object.entries(value) : []);
const fromRows = (rows) => Object.fromEntries(rows.filter(([name]) => name.trim() !== "").map(([name, value]) => [name.trim(), value]));

/** Names with values. Rows that have no name yet live here only. */
function Pairs({ field, value, onChange }) {
  const [rows, setRows] = useState(() => toRows(value));
  const stored = JSON.stringify(value ?? {});
  if (JSON.stringify(fromRows(rows)) !== stored) setRows(toRows(value));
  const change = (next) => {
    const object = fromRows(next);
    setRows(next);
    if (JSON.stringify(object) !== stored) onChange(Object.keys(object).length ? object : undefined);
  };
  const names = rows.map(([name]) => name.trim()).filter(Boolean);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  const draw = ([name, entry], put) => (
    <div className="ed-pair">
      <TextInput value={name} onChange={(text) => put([text, entry])} placeholder="name" aria-label="Name" title={name} className="ed-pair-name" />
      <Nested field={{ ...field.value, placeholder: "value" }} value={entry} onChange={(next) => put([name, next ?? ""])} />
    </div>
  );
  return (
    <>
      <Rows rows={rows} onChange={change} draw={draw} fresh={() => ["", ""]} add="Add" />
      {twice && <p className="ed-problem">“{twice}” is there twice: the last one counts.</p>}
    </>
  );
}

function withField(value, name, next) {
  const { [name]: _, ...others } = value ?? {};
  return next === undefined || next === null ? others : { ...value, [name]: next };
}

function ObjectFields({ field, value, onChange, problems = NONE }) {
  const object = value && typeof value === "object" ? value : {};
  const put = (name, next) => {
    const changed = withField(object, name, next);
    onChange(Object.keys(changed).length || !field.nullable ? changed : undefined);
  };
  return (
    <div className="ed-nested">
      {field.fields.map((part) => <Field key={part.name} field={part} value={object[part.name]} onChange={(next) => put(part.name, next)} problems={within(problems, part.name)} />)}
    </div>
  );
}

function Union({ id, field, value, onChange, problems }) {
  const object = value && typeof value === "object" ? value : {};
  const kind = object[field.by] ?? field.default?.[field.by];
  const variant = field.variants.find((option) => option.value === kind);
  const choices = field.variants.map((option) => ({ value: option.value, label: option.label }));
  const pick = (next) => onChange(next === undefined ? undefined : { [field.by]: next });
  return (
    <div className="ed-union" data-testid={`field-${field.by}`}>
      <Select id={id} value={kind} onChange={pick} choices={choices} empty={field.nullable ? "None" : undefined} />
      {variant && variant.fields.length > 0 && (
        <ObjectFields field={{ fields: variant.fields }} value={object} onChange={(next) => onChange({ [field.by]: kind, ...next })} problems={problems} />
      )}
    </div>
  );
}

function CredentialPicker({ id, field, value, onChange }) {
  const credentials = useStore((state) => state.credentials);
  const project = useStore((state) => state.doc?.project_id ?? "");
  const fitting = (credentials ?? []).filter((credential) => field.types.includes(credential.type));
  const choices = fitting.map((credential) => ({ value: credential.id, label: `${credential.name} · ${credential.type}` }));
  const gone = value && credentials && !fitting.some((credential) => credential.id === value);
  const known = useRef(null); // those there were when somebody went to make one
  useEffect(() => {
    const made = known.current && fitting.find((credential) => !known.current.has(credential.id));
    if (!made) return;
    known.current = null;
    onChange(made.id);
  });
  const leave = () => {
    known.current = new Set(fitting.map((credential) => credential.id));
  };
  return (
    <>
      <div className="ed-credential">
        <Select id={id} value={value} onChange={onChange} choices={choices} empty={choices.length ? "None" : "None yet"} />
        <a className="ed-add" onClick={leave} href={`/credentials?type=${field.types[0]}&project=${project}`} target="_blank" rel="noreferrer"><KeyRound size={13} /> New credential</a>
      </div>
      {gone && <p className="ed-problem">The credential that was chosen is gone, or not yours. Choose another.</p>}
    </>
  );
}

function WorkflowPicker({ id, value, onChange }) {
  const workflows = useStore((state) => state.workflows);
  const own = useStore((state) => state.doc?.id);
  const choices = (workflows ?? []).map((one) => ({ value: one.id, label: one.id === own ? `${one.name} (this one)` : one.name }));
  const gone = value && workflows && !choices.some((one) => one.value === value);
  return (
    <>
      <Select id={id} value={value} onChange={onChange} choices={choices} empty="Choose …" />
      {value && !gone && <a className="ed-add" href={`/workflows/${value}`} target="_blank" rel="noreferrer"><ExternalLink size={13} /> Open it</a>}
      {gone && <p className="ed-problem">The workflow that was chosen is gone, or not yours. Choose another.</p>}
    </>
  );
}

const CONTROLS = {
  text: Text, multiline: Multiline, number: NumberInput, json: Json, condition: Condition, code: Code, switch: Switch, choice: Choice, choices: Choices,
  list: List, pairs: Pairs, object: ObjectFields, union: Union, credential: CredentialPicker, workflow: WorkflowPicker,
};

/** All fields of a config. `change(name, value)`; `problems` are those of this node, as `told` tells them. */
export function Form({ type, config, change, problems }) {
  const fields = React.useMemo(() => fieldsOf(type.config_schema), [type]);
  if (!fields.length) return <p className="ed-hint">Nothing to set: this node does one thing.</p>;
  return fields.map((field) => (
    <Field key={field.name} field={field} value={config[field.name]} onChange={(value) => change(field.name, value)} problems={within(problems, field.name)} />
  ));
}
