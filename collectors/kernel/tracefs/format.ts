/** `events/SYSTEM/EVENT/format`: where each field of an event is. It differs between kernels, so it is read, never assumed. */

export interface Field {
  readonly offset: number;
  readonly size: number;
  readonly signed: boolean;
  /** `__data_loc`: the field holds the place (low 16 bits) and length (high 16 bits) of its value in the record. */
  readonly located: boolean;
}
export interface EventFormat { readonly id: number; readonly fields: ReadonlyMap<string, Field> }

const line = /^\s*field:\s*([^;]*?)(\w+)(?:\[[^\]]*\])?;\s*offset:(\d+);\s*size:(\d+);(?:\s*signed:([01]);)?\s*$/;

/** Throws RangeError for text that is no event format, or that has a field which `wanted` names and this kernel lacks. */
export function parseFormat(text: string, wanted: readonly string[] = []): EventFormat {
  const id = /^ID:\s*(\d+)\s*$/m.exec(text)?.[1];
  if (id === undefined || Number(id) > 0xffff) throw new RangeError('event format without an id');
  const fields = new Map<string, Field>();
  for (const each of text.split('\n')) {
    const [, type = '', name, offset, size, signed] = line.exec(each) ?? [];
    if (name === undefined) continue;
    fields.set(name, { offset: Number(offset), size: Number(size), signed: signed === '1', located: type.startsWith('__data_loc') });
  }
  for (const name of ['common_pid', ...wanted]) if (!fields.has(name)) throw new RangeError(`event format without ${name}`);
  return { id: Number(id), fields };
}

/** `events/header_page`: bytes of one ring buffer page, which one read of trace_pipe_raw returns. */
export function parsePageBytes(text: string): number {
  const [, offset, size] = /field:\s*char data;\s*offset:(\d+);\s*size:(\d+);/.exec(text) ?? [];
  const bytes = Number(offset) + Number(size);
  if (Number(offset) !== 16 || !(bytes >= 4_096 && bytes <= 1 << 20)) throw new RangeError('unknown ring buffer page');
  return bytes;
}
