import type { Severity } from '../../agent/contract/finding.ts';

/** What a file holds that is worth stealing. */
export interface SecretKind {
  readonly rule: string;
  /** Goes on after `opened`. */
  readonly what: string;
  /** Opened by the program with MXNet itself: where its own libraries read it in ordinary work, that is less. */
  readonly byItself: Severity;
  /** Opened by another program of its tree. */
  readonly byOther: Severity;
  readonly techniques: readonly string[];
}

const kind = (rule: string, what: string, byItself: Severity, byOther: Severity, ...techniques: readonly string[]): SecretKind => ({ rule, what, byItself, byOther, techniques });

const hashes = kind('secret.password-hashes', 'the password hashes of this host', 'high', 'high', 'T1003.008', 'AML.T0090');
const sshKey = kind('secret.ssh-key', 'a private key of SSH', 'high', 'high', 'T1552.004', 'AML.T0055');
const sshSettings = kind('secret.ssh-settings', 'what SSH knows of other hosts', 'low', 'low', 'T1018', 'AML.T0037');
const privateKey = kind('secret.private-key', 'a private key', 'high', 'high', 'T1552.004', 'AML.T0055');
// A server opens its own before it serves.
const serverKey = kind('secret.server-key', 'the private key of a server', 'low', 'medium', 'T1552.004', 'AML.T0055');
const cloud = kind('secret.cloud-credentials', 'credentials of a cloud', 'medium', 'high', 'T1552.001', 'AML.T0055');
const cluster = kind('secret.cluster-credentials', 'credentials of a Kubernetes cluster', 'medium', 'high', 'T1552.001', 'AML.T0055');
// Client libraries read their token again every minute, and services what is mounted for them.
const token = kind('secret.service-account-token', 'the token of a service account', 'low', 'high', 'T1528', 'AML.T0055');
const mounted = kind('secret.mounted', 'a secret that is mounted for its container', 'low', 'medium', 'T1552.001', 'AML.T0055');
// `requests` asks .netrc at every download, Hugging Face's library its token.
const toolToken = kind('secret.tool-token', 'the credentials of a tool', 'low', 'medium', 'T1552.001', 'AML.T0055');
const history = kind('secret.shell-history', 'the history of a shell', 'medium', 'medium', 'T1552.003', 'AML.T0055');
const browser = kind('secret.browser', 'what a browser keeps: passwords, cookies', 'high', 'high', 'T1555.003', 'AML.T0055');
const vault = kind('secret.password-store', 'a store of passwords', 'high', 'high', 'T1555', 'AML.T0055');
const wallet = kind('secret.wallet', 'a wallet of a cryptocurrency', 'high', 'high', 'T1555', 'AML.T0055');
const ticket = kind('secret.kerberos', 'keys or tickets of Kerberos', 'medium', 'high', 'T1558', 'AML.T0055');
const environment = kind('secret.environment', 'the environment of a process, which often holds credentials,', 'medium', 'high', 'T1552', 'AML.T0055');
const listed = kind('secret.listed', 'a file that the configuration lists as sensitive,', 'medium', 'high', 'T1005', 'AML.T0037');

/** The first that fits decides. Home folders are not asked for: a home lies anywhere in a container. */
const kinds: readonly (readonly [RegExp, SecretKind])[] = [
  [/^\/etc\/(g?shadow-?|security\/opasswd|master\.passwd)$/, hashes],
  [/\/\.ssh\/(known_hosts|authorized_keys|config|environment|rc)[^/]*$|\/\.ssh\/[^/]+\.pub$|^\/etc\/ssh\/ssh_host_\w+_key\.pub$/, sshSettings],
  [/\/\.ssh\/[^/]+$|^\/etc\/ssh\/ssh_host_\w+_key$|\/(id_rsa|id_dsa|id_ecdsa|id_ed25519)(_sk)?$/, sshKey],
  [/\/\.aws\/(credentials|config)$|\/\.aws\/(sso|cli)\/cache\/|\/\.config\/gcloud\/|\/gcloud\/application_default_credentials\.json$|\/\.azure\/|\/secrets\/azure\/tokens\/|\/\.oci\/|\/\.aliyun\/|\/\.(boto|s3cfg)$|\/rclone\/rclone\.conf$|\/doctl\/config\.yaml$/, cloud],
  [/\/kubernetes\.io\/serviceaccount\/|\/serviceaccount\/token$|\/kubernetes\.io~projected\/[^/]+\/(\.\.data\/)?token$/, token],
  [/\/\.kube\/config$|^\/etc\/kubernetes\/[^/]+\.conf$|^\/etc\/rancher\/k3s\/k3s\.yaml$/, cluster],
  [/^\/etc\/kubernetes\/pki\/|^\/var\/lib\/kubelet\/pki\/|\/\.gnupg\/(private-keys-v1\.d\/|secring\.gpg$)/, privateKey],
  [/\/(ssl|pki)\/private\/|^\/etc\/letsencrypt\/(live|archive)\//, serverKey],
  [/^\/(var\/)?run\/secrets\/|\/kubernetes\.io~secret\//, mounted],
  [/\/\.(netrc|git-credentials|pypirc|pgpass|my\.cnf|npmrc|vault-token|terraformrc|dockercfg)$|\/\.docker\/config\.json$|\/(\.huggingface|\.cache\/huggingface)\/token$|\/\.config\/(gh\/hosts\.yml|git\/credentials)$|\/\.cargo\/credentials(\.toml)?$|\/\.terraform\.d\/credentials\.tfrc\.json$/, toolToken],
  [/\/\.(bash|zsh|ash|sh|ksh|mysql|psql|sqlite|rediscli|mongo)_history$|\/fish\/fish_history$/, history],
  [/\/(Login Data|Cookies|Web Data|Local State|cookies\.sqlite|key[34]\.db|logins\.json|signons\.sqlite)$/, browser],
  [/\.(kdbx|agilekeychain|opvault)$|\/\.password-store\/|\/keyrings\/[^/]+\.keyring$|\/kwalletd\/[^/]+\.kwl$/, vault],
  [/\/wallet\.dat$|\/\.(electrum|ethereum|bitcoin|monero|exodus|solana)\/|\/(keystore\/UTC--[^/]+)$|\/(MetaMask|nkbihfbeogaeaoehlefnkodbefgpgknn)\//, wallet],
  [/^\/etc\/krb5\.keytab$|\/krb5cc_\w+$|\.keytab$/, ticket],
  [/^\/proc\/[^/]+\/environ$/, environment],
];

/** Null for a path that says nothing; `isListed` for a file that an operator or the collector names as sensitive. */
export function secretKind(path: string, isListed: boolean): SecretKind | null {
  return kinds.find(([pattern]) => pattern.test(path))?.[1] ?? (isListed ? listed : null);
}
