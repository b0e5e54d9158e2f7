import { ZStream, Z_BUF_ERROR, Z_NO_FLUSH, Z_OK, Z_STREAM_END, zlibInflate, zlibInflateInit2 } from 'pako';
import type { Budget } from '../report.ts';
import type { Source } from '../source.ts';

/** Some unpacked bytes after the other. */
export interface Stream {
  /** Fills as much of `into` as there is and gives the number of bytes; less than asked for only at the end. */
  fill(into: Uint8Array<ArrayBuffer>): number;
  /** Packed bytes used so far; exact at the end. */
  consumed(): number;
}

const inputBytes = 65_536;
/** Of packed and unpacked bytes together; a microsecond's work. */
const bytesPerUnit = 90;

/** RangeError, from `fill`, for a stream that is broken or cut. */
export function openStream(source: Source, start: number, budget: Budget): Stream {
  const state = new ZStream();
  if (zlibInflateInit2(state, -15) !== Z_OK) throw new Error('the unpacker cannot be set up');
  let [at, ended] = [start, false];
  state.input = new Uint8Array(Math.max(0, Math.min(inputBytes, source.size - start)));
  // Others read from the source before these bytes are used up: they are copied.
  const load = () => {
    const bytes = source.read(at, state.input.length);
    state.input.set(bytes);
    state.next_in = 0;
    state.avail_in = bytes.length;
    at += bytes.length;
  };
  const step = () => {
    if (state.avail_in === 0) load();
    const [before, room] = [state.avail_in, state.avail_out];
    const code = zlibInflate(state, Z_NO_FLUSH);
    const done = before - state.avail_in + room - state.avail_out;
    budget.spend(1 + done / bytesPerUnit);
    if (code === Z_STREAM_END) ended = true;
    else if (code !== Z_OK && code !== Z_BUF_ERROR) throw new RangeError(`its packed data is broken at byte ${at - state.avail_in}: ${state.msg || 'no deflate stream'}`);
    else if (done === 0) throw new RangeError(`its packed data is cut at byte ${at}`);
  };
  return {
    consumed: () => at - start - state.avail_in,
    fill(into) {
      state.output = into;
      state.next_out = 0;
      state.avail_out = into.length;
      while (!ended && state.avail_out > 0) step();
      return into.length - state.avail_out;
    },
  };
}
