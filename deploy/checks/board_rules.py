"""Prints the queries of the Grafana board as recording rules, so that `promtool check rules` parses them."""

import json
import pathlib

board = json.loads((pathlib.Path(__file__).parents[1] / "grafana/mien.json").read_text())
queries = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
queries = [query.replace("$__rate_interval", "1m").replace("$job", ".*") for query in queries]
rules = [{"record": f"board:query{number}", "expr": query} for number, query in enumerate(queries)]
# JSON is a subset of YAML.
print(json.dumps({"groups": [{"name": "board", "rules": rules}]}, indent=1))
