/**
 * Names and tactics of the ATT&CK and ATLAS ids that rules may carry. Where a technique serves several tactics, the
 * one is named for which a rule of ours would cite it. Sources: ATT&CK 17.1, ATLAS data 5.6.0.
 */
export const attackVersion = 'ATT&CK 17.1';
export const atlasVersion = 'ATLAS 5.6.0';

const tactics = {
  'TA0001': 'Initial Access', 'TA0002': 'Execution', 'TA0003': 'Persistence', 'TA0004': 'Privilege Escalation',
  'TA0005': 'Defense Evasion', 'TA0006': 'Credential Access', 'TA0007': 'Discovery', 'TA0008': 'Lateral Movement', 'TA0009': 'Collection',
  'TA0010': 'Exfiltration', 'TA0011': 'Command and Control', 'TA0040': 'Impact',
  'AML.TA0001': 'AI Attack Staging', 'AML.TA0004': 'Initial Access', 'AML.TA0005': 'Execution', 'AML.TA0006': 'Persistence',
  'AML.TA0007': 'Defense Evasion', 'AML.TA0008': 'Discovery', 'AML.TA0009': 'Collection', 'AML.TA0010': 'Exfiltration',
  'AML.TA0011': 'Impact', 'AML.TA0012': 'Privilege Escalation', 'AML.TA0013': 'Credential Access', 'AML.TA0014': 'Command and Control',
} as const;
type Tactic = keyof typeof tactics;

const techniques: Readonly<Record<string, readonly [name: string, tactic: Tactic]>> = {
  'AML.T0010': ['AI Supply Chain Compromise', 'AML.TA0004'],
  'AML.T0010.001': ['AI Software', 'AML.TA0004'],
  'AML.T0010.003': ['Model', 'AML.TA0004'],
  'AML.T0011': ['User Execution', 'AML.TA0005'],
  'AML.T0011.000': ['Unsafe AI Artifacts', 'AML.TA0005'],
  'AML.T0011.001': ['Malicious Package', 'AML.TA0005'],
  'AML.T0018': ['Manipulate AI Model', 'AML.TA0006'],
  'AML.T0018.000': ['Poison AI Model', 'AML.TA0006'],
  'AML.T0018.001': ['Modify AI Model Architecture', 'AML.TA0006'],
  'AML.T0018.002': ['Embed Malware', 'AML.TA0006'],
  'AML.T0025': ['Exfiltration via Cyber Means', 'AML.TA0010'],
  'AML.T0029': ['Denial of AI Service', 'AML.TA0011'],
  'AML.T0034': ['Cost Harvesting', 'AML.TA0011'],
  'AML.T0035': ['AI Artifact Collection', 'AML.TA0009'],
  'AML.T0037': ['Data from Local System', 'AML.TA0009'],
  'AML.T0048': ['External Harms', 'AML.TA0011'],
  'AML.T0048.004': ['AI Intellectual Property Theft', 'AML.TA0011'],
  'AML.T0050': ['Command and Scripting Interpreter', 'AML.TA0005'],
  'AML.T0055': ['Unsecured Credentials', 'AML.TA0013'],
  'AML.T0072': ['Reverse Shell', 'AML.TA0014'],
  'AML.T0074': ['Masquerading', 'AML.TA0007'],
  'AML.T0075': ['Cloud Service Discovery', 'AML.TA0008'],
  'AML.T0076': ['Corrupt AI Model', 'AML.TA0007'],
  'AML.T0089': ['Process Discovery', 'AML.TA0008'],
  'AML.T0090': ['OS Credential Dumping', 'AML.TA0013'],
  'AML.T0097': ['Virtualization/Sandbox Evasion', 'AML.TA0007'],
  'AML.T0105': ['Escape to Host', 'AML.TA0012'],
  'AML.T0107': ['Exploitation for Defense Evasion', 'AML.TA0007'],
  'AML.T0109': ['AI Supply Chain Rug Pull', 'AML.TA0007'],
  'AML.T0112': ['Machine Compromise', 'AML.TA0011'],
  'AML.T0112.001': ['AI Artifacts', 'AML.TA0011'],
  'T1003': ['OS Credential Dumping', 'TA0006'],
  'T1003.007': ['Proc Filesystem', 'TA0006'],
  'T1003.008': ['/etc/passwd and /etc/shadow', 'TA0006'],
  'T1005': ['Data from Local System', 'TA0009'],
  'T1014': ['Rootkit', 'TA0005'],
  'T1016': ['System Network Configuration Discovery', 'TA0007'],
  'T1018': ['Remote System Discovery', 'TA0007'],
  'T1021': ['Remote Services', 'TA0008'],
  'T1027': ['Obfuscated Files or Information', 'TA0005'],
  'T1027.001': ['Binary Padding', 'TA0005'],
  'T1027.002': ['Software Packing', 'TA0005'],
  'T1027.003': ['Steganography', 'TA0005'],
  'T1027.004': ['Compile After Delivery', 'TA0005'],
  'T1027.009': ['Embedded Payloads', 'TA0005'],
  'T1033': ['System Owner/User Discovery', 'TA0007'],
  'T1036': ['Masquerading', 'TA0005'],
  'T1036.002': ['Right-to-Left Override', 'TA0005'],
  'T1036.005': ['Match Legitimate Resource Name or Location', 'TA0005'],
  'T1036.008': ['Masquerade File Type', 'TA0005'],
  'T1037': ['Boot or Logon Initialization Scripts', 'TA0003'],
  'T1037.004': ['RC Scripts', 'TA0003'],
  'T1041': ['Exfiltration Over C2 Channel', 'TA0010'],
  'T1046': ['Network Service Discovery', 'TA0007'],
  'T1048': ['Exfiltration Over Alternative Protocol', 'TA0010'],
  'T1048.003': ['Exfiltration Over Unencrypted Non-C2 Protocol', 'TA0010'],
  'T1049': ['System Network Connections Discovery', 'TA0007'],
  'T1053': ['Scheduled Task/Job', 'TA0003'],
  'T1053.002': ['At', 'TA0003'],
  'T1053.003': ['Cron', 'TA0003'],
  'T1055': ['Process Injection', 'TA0005'],
  'T1055.008': ['Ptrace System Calls', 'TA0005'],
  'T1055.009': ['Proc Memory', 'TA0005'],
  'T1057': ['Process Discovery', 'TA0007'],
  'T1059': ['Command and Scripting Interpreter', 'TA0002'],
  'T1059.004': ['Unix Shell', 'TA0002'],
  'T1059.006': ['Python', 'TA0002'],
  'T1059.007': ['JavaScript', 'TA0002'],
  'T1068': ['Exploitation for Privilege Escalation', 'TA0004'],
  'T1070': ['Indicator Removal', 'TA0005'],
  'T1070.002': ['Clear Linux or Mac System Logs', 'TA0005'],
  'T1070.003': ['Clear Command History', 'TA0005'],
  'T1071': ['Application Layer Protocol', 'TA0011'],
  'T1071.004': ['DNS', 'TA0011'],
  'T1082': ['System Information Discovery', 'TA0007'],
  'T1083': ['File and Directory Discovery', 'TA0007'],
  'T1098': ['Account Manipulation', 'TA0003'],
  'T1098.004': ['SSH Authorized Keys', 'TA0003'],
  'T1105': ['Ingress Tool Transfer', 'TA0011'],
  'T1106': ['Native API', 'TA0002'],
  'T1129': ['Shared Modules', 'TA0002'],
  'T1136': ['Create Account', 'TA0003'],
  'T1136.001': ['Local Account', 'TA0003'],
  'T1140': ['Deobfuscate/Decode Files or Information', 'TA0005'],
  'T1195': ['Supply Chain Compromise', 'TA0001'],
  'T1195.001': ['Compromise Software Dependencies and Development Tools', 'TA0001'],
  'T1195.002': ['Compromise Software Supply Chain', 'TA0001'],
  'T1203': ['Exploitation for Client Execution', 'TA0002'],
  'T1204': ['User Execution', 'TA0002'],
  'T1204.002': ['Malicious File', 'TA0002'],
  'T1212': ['Exploitation for Credential Access', 'TA0006'],
  'T1222': ['File and Directory Permissions Modification', 'TA0005'],
  'T1222.002': ['Linux and Mac File and Directory Permissions Modification', 'TA0005'],
  'T1485': ['Data Destruction', 'TA0040'],
  'T1496': ['Resource Hijacking', 'TA0040'],
  'T1496.001': ['Compute Hijacking', 'TA0040'],
  'T1499': ['Endpoint Denial of Service', 'TA0040'],
  'T1499.004': ['Application or System Exploitation', 'TA0040'],
  'T1505': ['Server Software Component', 'TA0003'],
  'T1505.003': ['Web Shell', 'TA0003'],
  'T1528': ['Steal Application Access Token', 'TA0006'],
  'T1529': ['System Shutdown/Reboot', 'TA0040'],
  'T1543': ['Create or Modify System Process', 'TA0003'],
  'T1543.002': ['Systemd Service', 'TA0003'],
  'T1546': ['Event Triggered Execution', 'TA0003'],
  'T1546.004': ['Unix Shell Configuration Modification', 'TA0003'],
  'T1546.017': ['Udev Rules', 'TA0003'],
  'T1546.018': ['Python Startup Hooks', 'TA0003'],
  'T1547': ['Boot or Logon Autostart Execution', 'TA0003'],
  'T1547.006': ['Kernel Modules and Extensions', 'TA0003'],
  'T1547.013': ['XDG Autostart Entries', 'TA0003'],
  'T1548': ['Abuse Elevation Control Mechanism', 'TA0004'],
  'T1548.001': ['Setuid and Setgid', 'TA0004'],
  'T1548.003': ['Sudo and Sudo Caching', 'TA0004'],
  'T1552': ['Unsecured Credentials', 'TA0006'],
  'T1552.001': ['Credentials In Files', 'TA0006'],
  'T1552.003': ['Bash History', 'TA0006'],
  'T1552.004': ['Private Keys', 'TA0006'],
  'T1552.005': ['Cloud Instance Metadata API', 'TA0006'],
  'T1552.007': ['Container API', 'TA0006'],
  'T1553': ['Subvert Trust Controls', 'TA0005'],
  'T1554': ['Compromise Host Software Binary', 'TA0003'],
  'T1555': ['Credentials from Password Stores', 'TA0006'],
  'T1555.003': ['Credentials from Web Browsers', 'TA0006'],
  'T1556': ['Modify Authentication Process', 'TA0003'],
  'T1556.003': ['Pluggable Authentication Modules', 'TA0003'],
  'T1558': ['Steal or Forge Kerberos Tickets', 'TA0006'],
  'T1562': ['Impair Defenses', 'TA0005'],
  'T1562.001': ['Disable or Modify Tools', 'TA0005'],
  'T1562.006': ['Indicator Blocking', 'TA0005'],
  'T1564': ['Hide Artifacts', 'TA0005'],
  'T1564.001': ['Hidden Files and Directories', 'TA0005'],
  'T1565': ['Data Manipulation', 'TA0040'],
  'T1565.001': ['Stored Data Manipulation', 'TA0040'],
  'T1571': ['Non-Standard Port', 'TA0011'],
  'T1574': ['Hijack Execution Flow', 'TA0005'],
  'T1574.006': ['Dynamic Linker Hijacking', 'TA0005'],
  'T1609': ['Container Administration Command', 'TA0002'],
  'T1611': ['Escape to Host', 'TA0004'],
  'T1613': ['Container and Resource Discovery', 'TA0007'],
  'T1620': ['Reflective Code Loading', 'TA0005'],
  'T1622': ['Debugger Evasion', 'TA0005'],
};

export interface Named { readonly uid: string; readonly name?: string }
/** An id in full: its own name, its parent when it is a sub-technique, and the tactic it serves. */
export interface Technique {
  readonly version: string;
  readonly tactic?: Named;
  readonly technique?: Named;
  readonly sub_technique?: Named;
}

const isTactic = (id: string): id is Tactic => Object.hasOwn(tactics, id);
const lookUp = (id: string) => (Object.hasOwn(techniques, id) ? techniques[id] : undefined);
const named = (uid: string): Named => {
  const known = lookUp(uid);
  return known ? { uid, name: known[0] } : { uid };
};
const parentOf = (id: string): string | null => /^(.*T\d{4})\.\d{3}$/.exec(id)?.[1] ?? null;

/** An id we do not know is carried as it is: a rule that is ahead of this table must not lose its reference. */
export function describeTechnique(id: string): Technique {
  const version = id.startsWith('AML.') ? atlasVersion : attackVersion;
  if (isTactic(id)) return { version, tactic: { uid: id, name: tactics[id] } };
  const tactic = lookUp(id)?.[1];
  const parent = parentOf(id);
  return {
    version,
    ...(tactic ? { tactic: { uid: tactic, name: tactics[tactic] } } : {}),
    ...(parent === null ? { technique: named(id) } : { technique: named(parent), sub_technique: named(id) }),
  };
}
