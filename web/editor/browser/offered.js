// Node types in the order in which the palette offers them. Pure.

const ORDER = ["Triggers", "Flow", "Data", "Network", "Messaging", "Apps", "AI", "Notes"];
const FIRST = ["trigger.manual", "trigger.webhook", "trigger.schedule", "trigger.event"];
const placeIn = (list, one) => list.indexOf(one) + 1 || list.length + 1;

const score = (type, words) => {
  const title = type.title.toLowerCase();
  const all = `${title} ${type.type} ${type.group.toLowerCase()} ${type.description.toLowerCase()}`;
  if (!words.every((word) => all.includes(word))) return 0;
  return title === words.join(" ") ? 4 : title.startsWith(words[0]) ? 3 : title.includes(words[0]) ? 2 : 1;
};

/** The types that match a search, best first; without one by their groups, what most workflows begin with first. */
export function found(catalogue, search) {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const types = Object.values(catalogue);
  if (!words.length) return types.sort((a, b) => placeIn(ORDER, a.group) - placeIn(ORDER, b.group) || a.group.localeCompare(b.group) || placeIn(FIRST, a.type) - placeIn(FIRST, b.type));
  return types.map((type) => [score(type, words), type]).filter(([points]) => points).sort(([a], [b]) => b - a).map(([, type]) => type);
}
