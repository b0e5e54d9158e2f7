import { offer } from './libc.ts';
import { encode, type Loss, type Reply } from './wire.ts';

/** Never waits: what the agent does not take in time is dropped and counted, but for what is not a deed. */
export interface Outbox {
  say(reply: Reply): void;
  /** Sends what can be sent. Ends the process when nobody is there to take it. */
  push(): void;
  readonly isWaiting: boolean;
}

const mostUnsent = 8 << 20;

export function createOutbox(fd: number): Outbox {
  let fresh: string[] = [];
  let freshSize = 0;
  const blocks: Buffer[] = [];
  let blockSize = 0;
  let offset = 0;
  const dropped = new Map<Loss, number>();

  function put(reply: Reply): void {
    const text = encode(reply);
    fresh.push(text);
    freshSize += text.length;
  }

  return {
    get isWaiting() { return freshSize + blockSize > 0; },
    say(reply) {
      if (reply.kind === 'did' && freshSize + blockSize > mostUnsent) {
        const what = reply.by.includes('opens') ? 'opens' : 'changes';
        dropped.set(what, (dropped.get(what) ?? 0) + 1);
        return;
      }
      for (const [what, count] of dropped) put({ kind: 'lost', what, count });
      dropped.clear();
      put(reply);
    },
    push() {
      if (freshSize > 0) {
        const block = Buffer.from(fresh.join(''));
        blocks.push(block);
        blockSize += block.length;
        fresh = [];
        freshSize = 0;
      }
      for (let block = blocks[0]; block !== undefined; block = blocks[0]) {
        const taken = offer(fd, block.subarray(offset));
        if (taken === null) process.exit(0);
        if (taken === 0) return;
        offset += taken;
        blockSize -= taken;
        if (offset === block.length) { blocks.shift(); offset = 0; }
      }
    },
  };
}
