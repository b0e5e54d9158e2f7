import fc from 'fast-check';
import test from 'ava';
import { canonical, isLoopback, metadataServices } from '../../../detectors/context/address.ts';

test('one address has one text', t => {
  t.is(canonical('::1'), '0:0:0:0:0:0:0:1');
  t.is(canonical('FE80::1%eth0'), canonical('fe80:0:0::0001'));
  t.is(canonical('::ffff:10.0.0.1'), '10.0.0.1');
  t.is(canonical('::ffff:0a00:0001'), '10.0.0.1');
  t.is(canonical('[::]'), '0:0:0:0:0:0:0:0');
  t.is(canonical('10.0.0.1'), '10.0.0.1');
});

test('what is no address stays as it is', t => {
  for (const text of ['1::2::3', '1:2:3', '1:2:3:4:5:6:7:8:9', 'g::', '12345::', '::999.1.1.1', 'not:an:address', '::1.2.3']) t.is(canonical(text), text);
});

test('loopback in both families', t => {
  t.true(isLoopback(canonical('127.0.0.53')));
  t.true(isLoopback(canonical('::1')));
  t.true(isLoopback(canonical('::ffff:127.0.0.1')));
  t.false(isLoopback(canonical('128.0.0.1')));
  t.true(metadataServices.has(canonical('fd00:0ec2::0254')));
});

test('every spelling of every address comes to the same text', t => {
  fc.assert(fc.property(fc.array(fc.nat(0xffff), { minLength: 8, maxLength: 8 }), groups => {
    const full = groups.map(group => group.toString(16)).join(':');
    const padded = groups.map(group => group.toString(16).toUpperCase().padStart(4, '0')).join(':');
    return canonical(full) === canonical(padded);
  }));
  fc.assert(fc.property(fc.ipV6(), address => canonical(canonical(address)) === canonical(address)));
  fc.assert(fc.property(fc.string(), text => typeof canonical(text) === 'string'));
  t.pass();
});
