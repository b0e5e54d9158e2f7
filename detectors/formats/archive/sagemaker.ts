import type { Severity } from '../../../agent/contract/finding.ts';
import { quoted } from '../quote.ts';
import type { Report } from '../report.ts';
import { partsOf } from './member-name.ts';
import { isStartup, moduleAt, shadowing } from './python-modules.ts';

/** What a SageMaker server makes of a `model.tar.gz`: told of each file, and at the end. */
export interface Serving {
  /** `name` as UTF-8 text, `at` where the member begins. */
  look(name: string, at: number): void;
  end(): void;
}

const mostModules = 200;
/** What the default handler reads at the top (sagemaker-mxnet-inference-toolkit, default_inference_handler.py). */
const parts = { symbol: /^[^/]+-symbol\.json$/, parameters: /^[^/]+-\d{4}\.params$/, shapes: /^[^/]+-shapes\.json$/ };
const folder = 'code/';
const entry = 'code/inference.py';

/**
 * `code/` is put first on Python's path, `code/inference.py` is imported when the server starts, and
 * `code/requirements.txt` is installed before that (sagemaker-inference-toolkit, model_server.py).
 */
export function createServing(report: Report): Serving {
  const found: Record<string, string> = {};
  const modules: string[] = [];
  const taken = new Set<string>();
  let count = 0;
  let code: { readonly path: string; readonly at: number } | null = null;
  const note = (what: string, severity: Severity, at: number, member: string, message: string) => {
    report.note({ rule: `sagemaker.${what}`, severity, confidence: 0.9, message, where: { offset: at, member: quoted(member, 200).slice(1, -1) }, techniques: severity === 'info' ? ['T1059.006'] : ['T1574', 'T1059.006', 'AML.T0018.002'] });
  };

  function lookAtModule(path: string, at: number) {
    count += 1;
    if (modules.length < mostModules) modules.push(quoted(path.slice(folder.length)));
    if (code === null || path === entry) code = { path, at };
    const module = moduleAt(path.slice(folder.length));
    if (module === null || taken.has(module)) return;
    const severity = shadowing(module);
    if (severity === null && !isStartup(module)) return;
    taken.add(module);
    if (severity === null) note('startup-module', 'high', at, path, `${quoted(path)} runs in every Python that starts with code/ on its path, before anything asks for it`);
    else note('shadowing', severity, at, path, `${quoted(path)} takes the place of the module ${module}: whoever imports that runs this`);
  }

  return {
    look(name, at) {
      const path = partsOf(name).join('/');
      for (const [part, pattern] of Object.entries(parts)) if (found[part] === undefined && pattern.test(path)) found[part] = quoted(path);
      if (path === 'code/requirements.txt') note('requirements', 'info', at, path, 'A server of SageMaker installs what code/requirements.txt lists before it starts');
      if (path.startsWith(folder) && /\.(?:pyc?|so)$/.test(path)) lookAtModule(path, at);
    },
    end() {
      if (code !== null) note('code', 'info', code.at, code.path, `${count} Python modules lie under code/; ${quoted(code.path)} ${code.path === entry ? 'runs when a server of SageMaker starts' : 'can be imported by what a server of SageMaker starts'}`);
      if (code !== null || Object.keys(found).length > 1) report.inventory('serving', { ...found, ...(code === null ? {} : { code: modules, modules: count }) });
    },
  };
}
