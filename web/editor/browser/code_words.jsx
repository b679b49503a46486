// Sentences in which names of fields stand between backticks, as they do in help texts, errors and hints.

import React from "react";

/** A text with its `code` set as code. */
export const marked = (text) => text.split("`").map((part, index) => (index % 2 ? <code key={index}>{part}</code> : part));

/** The same where only plain text can stand. */
export const unmarked = (text) => text.replaceAll("`", "");
