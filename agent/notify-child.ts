import koffi from 'koffi';

/*
 * owns           one unix datagram socket, for one message; argv: path of the socket ('@' = abstract), the message
 * must not own   anything else: it reads nothing, stays for milliseconds and then ends
 */

/** AF_UNIX and SOCK_DGRAM | SOCK_CLOEXEC, socket(2); sun_path of sockaddr_un holds 108 bytes, unix(7). */
const family = 1;
const type = 2 | 0o2000000;
const pathBytes = 108;

const [, , path = '', message = ''] = process.argv;
const name = Buffer.from(path.startsWith('@') ? `\0${path.slice(1)}` : path);
if (name.length === 0 || name.length > pathBytes) throw new RangeError(`NOTIFY_SOCKET has ${name.length} bytes; 1 to ${pathBytes} are possible`);

const libc = koffi.load('libc.so.6');
const socket = libc.func('int socket(int, int, int)');
const sendto = libc.func('long sendto(int, const void *, size_t, int, const void *, unsigned int)');

const address = Buffer.alloc(2 + name.length + (path.startsWith('@') ? 0 : 1));
address.writeUInt16LE(family, 0);
name.copy(address, 2);
const text = Buffer.from(message);
const fd: number = socket(family, type, 0);
if (fd < 0 || sendto(fd, text, text.length, 0, address, address.length) !== text.length) throw new Error(`the message was not taken (errno ${koffi.errno()})`);
