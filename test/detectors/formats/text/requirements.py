"""How pip itself reads each list of requirements: stdin has one JSON object a line, {"bytes": base64}.

stdout: one JSON object a line, {"refused": str or null, "requirements": [str], "options": [str]}.
"""
import base64, json, sys
from pip._internal.exceptions import PipError
from pip._internal.network.session import PipSession
from pip._internal.req.req_file import get_line_parser, parse_requirements
from pip._internal.req.constructors import install_req_from_parsed_requirement
from pip._internal.index.package_finder import PackageFinder
from pip._internal.index.collector import LinkCollector
from pip._internal.models.search_scope import SearchScope
from pip._internal.models.selection_prefs import SelectionPreferences

for line in sys.stdin:
    with open('requirements.txt', 'wb') as file:
        file.write(base64.b64decode(json.loads(line)['bytes']))
    session = PipSession()
    finder = PackageFinder.create(link_collector=LinkCollector(session=session, search_scope=SearchScope.create(find_links=[], index_urls=['https://pypi.org/simple'], no_index=False)), selection_prefs=SelectionPreferences(allow_yanked=False))
    answer = {'refused': None, 'requirements': [], 'options': []}
    try:
        for parsed in parse_requirements('requirements.txt', session=session, finder=finder):
            answer['requirements'].append(parsed.requirement)
            install_req_from_parsed_requirement(parsed)
        answer['options'] = [url for url in finder.index_urls + finder.find_links if url.rstrip('/') != 'https://pypi.org/simple'] + list(finder.trusted_hosts)
    except (PipError, SystemExit, UnicodeError, LookupError, ValueError) as error:
        answer['refused'] = repr(error)[:100]
    print(json.dumps(answer), flush=True)
