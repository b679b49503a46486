// What went wrong: of what kind it is, what happened, what to do about it.

import React from "react";
import { CircleAlert } from "lucide-react";
import { marked } from "./code_words.jsx";

/** `ExpressionError` as people write it: “Expression error”. */
const kindOf = ({ type }) => (type || "Error").replace(/([a-z])([A-Z])(?=[a-z])/g, (_, before, after) => `${before} ${after.toLowerCase()}`);

export function Failure({ error, testid }) {
  return (
    <div className="ed-failure" data-testid={testid}>
      <div className="ed-failure-head"><CircleAlert size={15} aria-hidden="true" /> {kindOf(error)}</div>
      <p>{marked(error.message)}</p>
      {error.hint && <p className="ed-failure-hint">{marked(error.hint)}</p>}
    </div>
  );
}
