import type { Graph } from './graph.ts';

/** 1 for each node that a head leads to. Node numbers must be in range. */
export function reachable({ nodes, heads }: Graph): Uint8Array {
  const reached = new Uint8Array(nodes.length);
  const waiting = heads.map(head => head.node);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (reached[next] === 1) continue;
    reached[next] = 1;
    const node = nodes[next];
    if (!node) continue;
    for (const entry of node.inputs) if (reached[entry.node] === 0) waiting.push(entry.node);
    for (const control of node.controls) if (reached[control] === 0) waiting.push(control);
  }
  return reached;
}

/** Kahn's order: what cannot be taken away stands in or behind a circle. */
export function hasCycle({ nodes }: Graph, spend: (units: number) => void): boolean {
  const users: number[][] = nodes.map(() => []);
  const open = new Uint32Array(nodes.length);
  nodes.forEach((node, index) => {
    for (const from of [...node.inputs.map(entry => entry.node), ...node.controls]) {
      users[from]?.push(index);
      open[index] = (open[index] ?? 0) + 1;
    }
    spend(0.5);
  });
  const free = [...open.keys()].filter(index => open[index] === 0);
  let taken = 0;
  for (let next = free.pop(); next !== undefined; next = free.pop()) {
    taken += 1;
    for (const user of users[next] ?? []) {
      open[user] = (open[user] ?? 0) - 1;
      if (open[user] === 0) free.push(user);
    }
  }
  return taken < nodes.length;
}
