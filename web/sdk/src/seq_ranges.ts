/** Closed ranges of seq, ascending, apart from each other by at least one. */
export type SeqRanges = [from: number, to: number][]

/** The ranges with [from, to] added. */
export function addRange(ranges: SeqRanges, from: number, to: number): SeqRanges {
  if (to < from)
    return ranges
  const before = ranges.filter(range => range[1] < from - 1)
  const after = ranges.filter(range => range[0] > to + 1)
  const touched = ranges.slice(before.length, ranges.length - after.length)
  const merged: [number, number] = [
    Math.min(from, touched[0]?.[0] ?? from),
    Math.max(to, touched.at(-1)?.[1] ?? to),
  ]
  return [...before, merged, ...after]
}

/** The parts from `from` on. */
export function keepFrom(ranges: SeqRanges, from: number): SeqRanges {
  return ranges.filter(range => range[1] >= from).map(range => [Math.max(range[0], from), range[1]])
}

/** The range that holds `seq`. */
export function rangeAt(ranges: SeqRanges, seq: number): [number, number] | undefined {
  return ranges.find(range => range[0] <= seq && seq <= range[1])
}
