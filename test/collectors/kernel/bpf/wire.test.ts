import { Socket } from 'node:net';
import test from 'ava';
import { frameOf, frameOfRecords, receiveFrames, type Told } from '../../../../collectors/kernel/bpf/wire.ts';

function hear(): { readonly socket: Socket; readonly told: Told[]; readonly records: string[] } {
  const heard = { socket: new Socket(), told: [] as Told[], records: [] as string[] };
  receiveFrames(heard.socket, told => { heard.told.push(told); }, bytes => { heard.records.push(bytes.toString()); });
  return heard;
}

test('frames are the same wherever the stream is cut', t => {
  const stream = Buffer.concat([frameOf({ kind: 'done', id: 1, refused: [] }), frameOfRecords(Buffer.from('records')), frameOf({ kind: 'trouble', text: 'ü\n"' })]);
  for (let cut = 0; cut <= stream.length; cut++) {
    const heard = hear();
    heard.socket.emit('data', stream.subarray(0, cut));
    heard.socket.emit('data', stream.subarray(cut));
    t.deepEqual(heard.told, [{ kind: 'done', id: 1, refused: [] }, { kind: 'trouble', text: 'ü\n"' }]);
    t.deepEqual(heard.records, ['records']);
  }
});

test('a frame without an end and one of no kind end the connection', t => {
  for (const bytes of [[0xff, 0xff, 0xff, 0x7f, 1], [0, 0, 0, 0, 0], [2, 0, 0, 0, 9, 1]]) {
    const { socket, told, records } = hear();
    socket.on('error', () => { /* as it should */ });
    socket.emit('data', Buffer.from(bytes));
    t.true(socket.destroyed);
    t.is(told.length + records.length, 0);
  }
});
