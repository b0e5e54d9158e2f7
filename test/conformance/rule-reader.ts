import { join, relative } from 'node:path';
import ts from 'typescript';

/*
 * Which rules the sources can say, by the compiler's own understanding of them: every object with a property `rule`, and
 * where its text is put together from a parameter or a property, every call and every object that gives it. What cannot
 * be followed is told with its place, so that no way of saying a rule goes unseen.
 */

export interface Said {
  /** Rule id → the place that says it. `*` in an id is any word. */
  readonly rules: ReadonlyMap<string, string>;
  /** `file: expression` where the text is made in a way that is not understood here. */
  readonly open: readonly string[];
}

type Texts = ReadonlySet<string>;

const root = join(import.meta.dirname, '../..');
const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext, lib: ['lib.esnext.d.ts'],
  types: ['node'], strict: true, noEmit: true, skipLibCheck: true, allowImportingTsExtensions: true, noUncheckedIndexedAccess: true,
};

/** `files` are absolute paths. */
export function readRules(files: readonly string[]): Said {
  const program = ts.createProgram(files, options);
  const checker = program.getTypeChecker();
  const { calls, properties } = index(files.flatMap(file => program.getSourceFile(file) ?? []), checker);
  const open = new Set<string>();
  const textsOf = createResolver(checker, calls, properties, node => open.add(`${relative(root, node.getSourceFile().fileName)}: ${node.getText()}`));
  const rules = new Map<string, string>();
  // Those that only pass one on come last: the place told is that of another.
  for (const property of (properties.get('rule') ?? []).toSorted((one, two) => Number(ts.isShorthandPropertyAssignment(one)) - Number(ts.isShorthandPropertyAssignment(two)))) {
    // Without a dot it is a part of one, and found where it is put together.
    for (const text of textsOf(property)) if (text.includes('.') && !rules.has(text)) rules.set(text, relative(root, property.getSourceFile().fileName));
  }
  return { rules, open: [...open].sort() };
}

type Property = ts.PropertyAssignment | ts.ShorthandPropertyAssignment;
type Calls = ReadonlyMap<ts.Node, readonly ts.CallExpression[]>;
type Properties = ReadonlyMap<string, readonly Property[]>;

function index(sources: readonly ts.SourceFile[], checker: ts.TypeChecker): { readonly calls: Calls; readonly properties: Properties } {
  const [calls, properties] = [new Map<ts.Node, ts.CallExpression[]>(), new Map<string, Property[]>()];
  const put = <K, V>(map: Map<K, V[]>, key: K, value: V) => {
    const list = map.get(key);
    if (list) list.push(value); else map.set(key, [value]);
  };
  const visit = (node: ts.Node) => {
    if (ts.isCallExpression(node)) {
      const called = checker.getResolvedSignature(node)?.declaration;
      if (called) put(calls, called, node);
    }
    if ((ts.isPropertyAssignment(node) || ts.isShorthandPropertyAssignment(node)) && ts.isIdentifier(node.name)) put(properties, node.name.text, node);
    ts.forEachChild(node, visit);
  };
  for (const source of sources) visit(source);
  return { calls, properties };
}

const union = (parts: readonly Texts[]): Texts => new Set(parts.flatMap(part => [...part]));

/** `tell` gets what is not understood; the texts of that are left out. */
function createResolver(checker: ts.TypeChecker, calls: Calls, properties: Properties, tell: (node: ts.Node) => void): (property: Property) => Texts {
  /** What is being followed: a text made of itself may be any word. */
  const pending = new Set<ts.Node>();
  const unknown = (node: ts.Node): Texts => { tell(node); return new Set(); };
  const ofProperty = (property: Property): Texts => textsOf(ts.isPropertyAssignment(property) ? property.initializer : property.name);

  function textsOf(node: ts.Expression): Texts {
    if (ts.isParenthesizedExpression(node) || ts.isAsExpression(node) || ts.isSatisfiesExpression(node)) return textsOf(node.expression);
    if (ts.isStringLiteralLike(node)) return new Set([node.text]);
    if (ts.isConditionalExpression(node)) return union([textsOf(node.whenTrue), textsOf(node.whenFalse)]);
    if (ts.isTemplateExpression(node)) return joined(node);
    const type = checker.getTypeAtLocation(node);
    const literals = (type.isUnion() ? type.types : [type]).map(each => each.isStringLiteral() ? each.value : null);
    if (!literals.includes(null)) return new Set(literals.filter(each => each !== null));
    const declaration = symbolOf(node)?.valueDeclaration;
    return declaration ? follow(declaration, node) : unknown(node);
  }

  function joined({ head, templateSpans }: ts.TemplateExpression): Texts {
    let texts = [head.text];
    for (const { expression, literal } of templateSpans) {
      const middles = [...textsOf(expression)];
      texts = texts.flatMap(text => middles.map(middle => `${text}${middle}${literal.text}`));
    }
    return new Set(texts);
  }

  function symbolOf(node: ts.Expression): ts.Symbol | undefined {
    if (ts.isShorthandPropertyAssignment(node.parent)) return checker.getShorthandAssignmentValueSymbol(node.parent);
    return checker.getSymbolAtLocation(ts.isPropertyAccessExpression(node) ? node.name : node);
  }

  function follow(declaration: ts.Declaration, from: ts.Node): Texts {
    if (pending.has(declaration)) return new Set(['*']);
    pending.add(declaration);
    try {
      if (ts.isParameter(declaration)) return given(declaration);
      if (ts.isBindingElement(declaration)) {
        const property = checker.getTypeAtLocation(declaration.parent).getProperty((declaration.propertyName ?? declaration.name).getText());
        return property?.valueDeclaration ? follow(property.valueDeclaration, from) : unknown(from);
      }
      if (ts.isVariableDeclaration(declaration) && declaration.initializer) return textsOf(declaration.initializer);
      if (ts.isPropertySignature(declaration)) return assigned(declaration);
      return ts.isPropertyAssignment(declaration) || ts.isShorthandPropertyAssignment(declaration) ? ofProperty(declaration) : unknown(from);
    } finally { pending.delete(declaration); }
  }

  /** What the calls of its function give for a parameter, and what it is when they do not. */
  function given(parameter: ts.ParameterDeclaration): Texts {
    const of = parameter.parent;
    const place = of.parameters.indexOf(parameter);
    const found = [of, ...promised(of)].flatMap(each => calls.get(each) ?? []).flatMap(call => call.arguments[place] ?? parameter.initializer ?? []);
    return found.length === 0 ? unknown(parameter) : union(found.map(textsOf));
  }

  /** The signatures in types that a function is written for: callers may know only those. */
  function promised(of: ts.SignatureDeclaration): readonly ts.Node[] {
    if (ts.isArrowFunction(of) || ts.isFunctionExpression(of)) return (checker.getContextualType(of)?.getCallSignatures() ?? []).flatMap(({ declaration }) => declaration ?? []);
    if (!ts.isMethodDeclaration(of) || !ts.isObjectLiteralExpression(of.parent)) return [];
    return checker.getContextualType(of.parent)?.getProperty(of.name.getText())?.declarations ?? [];
  }

  /** What objects of its type are made with for a property. An object whose type is not stated counts when it could be one. */
  function assigned(property: ts.PropertySignature): Texts {
    const name = property.name.getText();
    const owner = checker.getTypeAtLocation(property.parent);
    return union((properties.get(name) ?? []).filter(({ parent }) => {
      const wanted = checker.getContextualType(parent as ts.ObjectLiteralExpression)?.getProperty(name)?.declarations;
      return wanted?.includes(property) ?? checker.isTypeAssignableTo(checker.getTypeAtLocation(parent), owner);
    }).map(ofProperty));
  }

  return ofProperty;
}
