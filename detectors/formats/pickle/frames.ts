import type { State } from './state.ts';

/**
 * Frames of protocol 4: an honest writer ends each with an opcode. The C unpickler only checks that a frame is not longer
 * than the file; pickle.py refuses an opcode that crosses its end; other readers skip FRAME.
 */
export interface Frames {
  /** Before an opcode that stands at [start, end) is carried out. */
  pass(start: number, end: number): void;
  open(end: number, length: number): void;
  stop(end: number): void;
}

export function followFrames(state: State, size: number): Frames {
  let frameEnd: number | null = null;
  const tell = (message: string) => { state.tell({ rule: 'frame', severity: 'critical', why: 'hides', message: `${message}: readers disagree about such a pickle` }); };
  return {
    pass(start, end) {
      if (frameEnd === null) return;
      if (start === frameEnd) frameEnd = null;
      else if (end > frameEnd) {
        tell('A frame ends in the middle of an opcode');
        frameEnd = null;
      }
    },
    open(end, length) {
      if (frameEnd !== null && frameEnd !== end) tell('A frame begins within a frame');
      if (state.protocol < 4) tell(`A frame stands in a pickle of protocol ${state.protocol}`);
      frameEnd = end + length;
      if (frameEnd <= size) return;
      tell(`A frame claims ${length} bytes, and ${size - end} are left`);
      state.refuse('a frame is longer than the file');
      frameEnd = null;
    },
    stop(end) { if (frameEnd !== null && frameEnd !== end) tell(`A frame goes on for ${frameEnd - end} bytes after STOP`); },
  };
}
