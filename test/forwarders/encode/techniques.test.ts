import test from 'ava';
import { describeTechnique } from '../../../forwarders/encode/techniques.ts';

/** Every id that the behaviours and alerts our rules are written from speak of. */
const cited = `T1059.004 T1505.003 T1059 T1071 TA0011 T1555 T1003.008 T1005 T1552.004 T1552.001 T1552.005 T1613 T1528 T1620 T1105 T1036 T1027.002
  T1055 T1129 T1574 T1574.006 T1055.008 T1055.009 T1622 T1548.001 T1496 T1543 T1036.005 T1053.003 T1098.004 T1548.003 T1552.007 T1083 T1048.003
  T1071.004 T1041 T1565 T1565.001 T1611 T1070 T1562 T1562.001 T1082 T1212 T1203
  AML.T0010.001 AML.T0010.003 AML.T0011.000 AML.T0018 AML.T0018.000 AML.T0018.002 AML.T0025 AML.T0034 AML.T0035 AML.T0037 AML.T0048.004 AML.T0050
  AML.T0055 AML.T0072 AML.T0074 AML.T0075 AML.T0076 AML.T0089 AML.T0090 AML.T0097 AML.T0105 AML.T0107 AML.T0109 AML.T0112.001 AML.TA0005`.split(/\s+/);

test('every id that rules may cite has a name, and every sub-technique a named parent and a tactic', t => {
  for (const id of cited) {
    const { tactic, technique, sub_technique } = describeTechnique(id);
    t.truthy(tactic?.name, id);
    if (/TA\d/.test(id)) continue;
    t.truthy(technique?.name, id);
    if (/\.\d{3}$/.test(id)) { t.truthy(sub_technique?.name, id); t.is(sub_technique?.uid, id); } else t.is(technique?.uid, id);
  }
});

test('an id of tomorrow is carried without a name', t => {
  t.deepEqual(describeTechnique('AML.T9999.001'), { version: 'ATLAS 5.6.0', technique: { uid: 'AML.T9999' }, sub_technique: { uid: 'AML.T9999.001' } });
  t.deepEqual(describeTechnique('__proto__'), { version: 'ATT&CK 17.1', technique: { uid: '__proto__' } });
});
