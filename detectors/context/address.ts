/**
 * One text for one address: IPv6 in full lower case without zone, IPv4 inside IPv6 as IPv4. What is no address is
 * returned as it is.
 */
export function canonical(address: string): string {
  const text = address.toLowerCase().replace(/%.*$/, '').replace(/^\[(.*)\]$/, '$1');
  if (!text.includes(':')) return text;
  const groups = expand(text);
  if (groups === null) return text;
  const mapped = groups.slice(0, 5).every(group => group === 0) && groups[5] === 0xffff;
  if (mapped) return [groups[6], groups[7]].flatMap(group => [(group ?? 0) >> 8, (group ?? 0) & 255]).join('.');
  return groups.map(group => group.toString(16)).join(':');
}

/** Eight groups; null when the text is no IPv6 address (RFC 4291, section 2.2). */
function expand(text: string): readonly number[] | null {
  if (text.length > 45) return null;
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const [head, tail] = halves.map(half => half === '' ? [] : half.split(':').flatMap(part => part.includes('.') ? embedded(part) : [part]));
  if (!head) return null;
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (tail ? missing < 0 : missing !== 0) return null;
  const all = [...head, ...Array.from({ length: missing }, () => '0'), ...tail ?? []];
  return all.every(part => /^[0-9a-f]{1,4}$/.test(part)) ? all.map(part => Number.parseInt(part, 16)) : null;
}

function embedded(part: string): readonly string[] {
  const octets = part.split('.').map(Number);
  if (octets.length !== 4 || octets.some(octet => !(octet >= 0 && octet <= 255))) return ['not an address'];
  const [a = 0, b = 0, c = 0, d = 0] = octets;
  return [(a * 256 + b).toString(16), (c * 256 + d).toString(16)];
}

export const isLoopback = (address: string): boolean => /^127\./.test(address) || address === '0:0:0:0:0:0:0:1';

/**
 * How far away an address is. Private: RFC 1918 and 4193, the shared space of RFC 6598, link-local (RFC 3927, 4291).
 * What is no address counts as public.
 */
export function rangeOf(canonicalAddress: string): 'loopback' | 'private' | 'public' {
  if (isLoopback(canonicalAddress) || /^(0\.0\.0\.0|0:0:0:0:0:0:0:0)$/.test(canonicalAddress)) return 'loopback';
  if (/^(10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)/.test(canonicalAddress)) return 'private';
  return /^(f[cd][0-9a-f]{2}|fe[89ab][0-9a-f]):/.test(canonicalAddress) ? 'private' : 'public';
}

/** Where clouds hand out credentials: AWS, Azure, Google and others; ECS and EKS; Alibaba; OpenStack over IPv6. */
export const metadataServices: ReadonlySet<string> = new Set([
  '169.254.169.254', '169.254.170.2', '169.254.170.23', '100.100.100.200', '168.63.129.16', '192.0.0.192',
  'fd00:ec2::254', 'fd00:ec2::23', 'fd20:ce::254', 'fe80::a9fe:a9fe',
].map(canonical));
