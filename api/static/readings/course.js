// What a chart shows of a signal's past: lines with gaps, states with their spans, spans in alarm.

const DAY = 86400;

/** Seconds without a reading that are a gap: well over the usual distance of points, which come at most once a `step`. */
export function holeOf(points, step) {
  const gaps = points.slice(1).map(([time], i) => time - points[i][0]).sort((a, b) => a - b);
  return Math.max(4 * (gaps[Math.floor(gaps.length / 2)] ?? 0), 2.5 * (step ?? 0), 15);
}

/** Columns of times, means, lowest and highest of points [time, mean, low, high, n]; a gap is a null. */
export function columns(points, step) {
  const hole = holeOf(points, step), out = [[], [], [], []];
  points.forEach(([time, ...values], i) => {
    if (i && time - points[i - 1][0] > hole) { out[0].push((time + points[i - 1][0]) / 2); for (let n = 1; n < 4; n++) out[n].push(null); }
    out[0].push(time);
    for (let n = 1; n < 4; n++) out[n].push(values[n - 1]);
  });
  return out;
}

/**
 * Spans [from, to, state] of states between two times, from changes [time, state] and the last known one, which holds until the end.
 * A state may be an array: both, for a while shorter than can be told.
 */
export function stateSpans(changes, start, end) {
  const spans = [];
  changes = changes.filter(([time]) => time < end).sort((a, b) => a[0] - b[0]);
  changes.forEach(([time, state], i) => {
    const from = Math.max(time, start), to = Math.min(changes[i + 1]?.[0] ?? end, end);
    if (to <= from) return;
    const last = spans.at(-1);
    if (last && last[2] === state && last[1] >= from) last[1] = to;
    else spans.push([from, to, state]);
  });
  return spans;
}

/** Changes [time, state] of a two-state signal: in a bucket with both states, both until its last reading, then that one. */
export function twoStateChanges(points, ends, step) {
  return points.flatMap(([time, , low, high], i) => low === high ? [[time, low]] : [[Math.max(time - step, (points[i - 1]?.[0] ?? -Infinity) + 1e-3), null], [time, ends?.[i] ?? high]]);
}

const isActive = (flags, isa) => flags?.includes("active") || "BC".includes(isa ?? "?");

/** Spans [from, to, priority, alarm] in which an alarm of the signal was active, from transitions in any order and what stands now. */
export function alarmSpans(transitions, standing, metric, start, end) {
  const rules = new Map();
  for (const one of [...transitions, ...standing]) {
    if (one.metric !== metric) continue;
    if (!rules.has(one.rule)) rules.set(one.rule, new Map());
    rules.get(one.rule).set(one.id ?? `${one.occ} ${one.seq}`, one);
  }
  const spans = [];
  for (const known of rules.values()) {
    const steps = [...known.values()].sort((a, b) => a.recorded - b.recorded || a.seq - b.seq);
    let from = isActive(steps[0].before, null) ? steps[0].since ?? start : null;
    for (const step of steps) {
      const active = isActive(step.flags, step.isa);
      if (active && from === null) from = step.since ?? step.time;
      if (!active && from !== null) { spans.push([from, step.time, step.priority, step.alarm]); from = null; }
    }
    if (from !== null) spans.push([from, end, steps.at(-1).priority, steps.at(-1).alarm]);
  }
  return spans.map(([from, to, ...rest]) => [Math.max(from, start), Math.min(to, end), ...rest]).filter(([from, to]) => to > from);
}

/** Lowest, highest and mean of points, by how many readings each stands for; null without one. */
export function extremes(points) {
  let low = Infinity, high = -Infinity, sum = 0, count = 0;
  for (const [, mean, least, most, n] of points) { low = Math.min(low, least); high = Math.max(high, most); sum += mean * n; count += n; }
  return count ? {low, high, mean: sum / count} : null;
}

const quoted = (cell) => /[",\n\r]/.test(cell) ? `"${String(cell).replaceAll('"', '""')}"` : String(cell);

/** Rows as comma-separated values; a cell that a spreadsheet would take for a formula is marked as text. */
export function csv(rows) {
  return rows.map((row) => row.map((cell) => quoted(typeof cell === "string" && /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell ?? "")).join(",")).join("\r\n") + "\r\n";
}

export const isLong = (span) => span >= 2 * DAY;

/** Spans [from, to, priority, name] of one priority and name that lie closer than `room` seconds as one: drawn over each other they would hide the line. */
export function joined(spans, room) {
  const out = [], last = new Map();
  for (const [from, to, priority, name] of spans.toSorted((a, b) => a[0] - b[0])) {
    const before = last.get(`${priority}\n${name}`);
    if (before && from - before[1] < room) before[1] = Math.max(before[1], to);
    else { const span = [from, to, priority, name]; last.set(`${priority}\n${name}`, span); out.push(span); }
  }
  return out;
}
