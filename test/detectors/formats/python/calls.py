"""All calls of each source, as Python itself parses it: stdin has one path a line; stdout one JSON list of [line, callee] a line.

The callee is written as dotted names, or not at all. Null for what this Python does not parse.
"""
import ast, json, sys

def dotted(node):
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return '.'.join(reversed(parts + [node.id])) if isinstance(node, ast.Name) else None

for path in sys.stdin:
    with open(path.strip(), 'rb') as file:
        data = file.read()
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError, UnicodeDecodeError):
        print('null', flush=True)
        continue
    found = [[node.lineno, dotted(node.func)] for node in ast.walk(tree) if isinstance(node, ast.Call)]
    # A call in a format string has the line of the string in this version.
    print(json.dumps(sorted(name for _, name in found if name is not None)), flush=True)
