// Finding by typing. Pure.

const found = (text, words) => words.every((word) => text.includes(word));

/** The entries `{title, about?, words?}` that a search finds: first the one of that very title, then those that begin with it, then by title, then by the rest. */
export function matching(entries, search) {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return entries;
  const rank = ({ title, about = "", words: more = "" }) => {
    const name = title.toLowerCase();
    if (!found(`${name} ${about.toLowerCase()} ${more.toLowerCase()}`, words)) return 0;
    return name === words.join(" ") ? 4 : name.startsWith(words[0]) ? 3 : found(name, words) ? 2 : 1;
  };
  return entries.map((entry) => [rank(entry), entry]).filter(([points]) => points).sort(([a], [b]) => b - a).map(([, entry]) => entry);
}
