// How words that somebody types are sought in names: each of them, in any order, whatever their case and accents.

const OTHER = /[^\u0000-\u007f]/;
let typed = "", parts = [""]; // one search looks at many names

/** A text as it is compared. */
export function plain(text) {
  const bare = OTHER.test(text) ? text.normalize("NFD").replace(/\p{Mn}/gu, "") : text;
  return bare.toLowerCase().replaceAll("_", " ");
}

/** Whether a plain text holds all the words. */
export function holds(text, words) {
  if (words !== typed) [typed, parts] = [words, plain(words).split(/\s+/)];
  return parts.every((part) => text.includes(part));
}
