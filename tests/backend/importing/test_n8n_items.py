"""n8n runs nodes once for each item: what comes of that, in workflows that run to their ends here."""

from typing import Any

from tests.backend.importing.n8n_kit import Converted, document, node

WEBHOOK = node("Webhook", "webhook", {"path": "orders", "httpMethod": "POST"}, 2)


def _assigned(**fields: Any) -> dict[str, Any]:
    return {
        "assignments": {"assignments": [{"id": name, "name": name, "value": value, "type": "string"} for name, value in fields.items()]}
    }


def _compared(left: Any, kind: str, operation: str, right: Any) -> dict[str, Any]:
    return {
        "combinator": "and",
        "conditions": [{"id": "c", "leftValue": left, "rightValue": right, "operator": {"type": kind, "operation": operation}}],
        "options": {"caseSensitive": True, "leftValue": "", "typeValidation": "strict", "version": 2},
    }


async def test_a_list_is_split_changed_and_put_together_again() -> None:
    shape = document(
        [
            WEBHOOK,
            node("Lines", "splitOut", {"fieldToSplitOut": "body.lines", "options": {}}),
            node("Priced", "set", _assigned(sku="={{ $json.sku }}", of="={{ $('Webhook').item.json.body.customer }}"), 3.4),
            node("Stock", "httpRequest", {"url": "=https://stock.example/{{ $json.sku }}", "options": {}}, 4.2),
            node("Both", "set", _assigned(sku="={{ $('Lines').item.json.sku }}", left="={{ $json.left }}"), 3.4),
            node("There", "filter", {"conditions": _compared("={{ $json.left }}", "number", "gt", 0), "options": {}}, 2.2),
            node("Sorted", "sort", {"sortFieldsUi": {"sortField": [{"fieldName": "left", "order": "descending"}]}, "options": {}}),
            node("First", "limit", {"maxItems": 2}),
            node("One", "aggregate", {"fieldsToAggregate": {"fieldToAggregate": [{"fieldToAggregate": "sku"}]}, "options": {}}),
            node("All", "aggregate", {"aggregate": "aggregateAllItemData", "destinationFieldName": "rows", "options": {}}),
        ],
        *("Webhook > Lines", "Lines > Priced", "Priced > Stock", "Stock > Both", "Both > There"),
        *("There > Sorted", "Sorted > First", "First > One", "First > All"),
    )
    converted = Converted(shape)
    assert converted.told == {}, "all of it can be said exactly"
    assert converted.nodes["priced"].for_each is not None
    assert converted.configs["both"][1]["fields"] == {"sku": "{{ nodes.lines[index].sku }}", "left": "{{ item.body.left }}"}

    def stock(config: Any, item: Any) -> Any:
        return {"status": 200, "headers": {}, "body": {"left": {"a": 3, "b": 0, "c": 5}[config.url[-1]]}}

    payload = {"customer": "Ada", "lines": [{"sku": "a"}, {"sku": "b"}, {"sku": "c"}]}
    outputs = await converted.run(payload, stock=stock)
    assert outputs["priced"] == [{"sku": "a", "of": "Ada"}, {"sku": "b", "of": "Ada"}, {"sku": "c", "of": "Ada"}]
    assert outputs["one"] == {"sku": ["c", "a"]}
    assert outputs["all"] == {"rows": [{"sku": "c", "left": 5}, {"sku": "a", "left": 3}]}


async def test_many_items_go_each_their_own_way() -> None:
    rule = {"conditions": _compared("={{ $json.n }}", "number", "lt", 3), "renameOutput": True, "outputKey": "small"}
    other = {"conditions": _compared("={{ $json.n }}", "number", "lt", 5)}
    shape = document(
        [
            WEBHOOK,
            node("Each", "splitOut", {"fieldToSplitOut": "body.numbers", "options": {"destinationFieldName": "n"}}),
            node("Odd", "if", {"conditions": _compared("={{ $json.n }}", "number", "equals", 1), "options": {}}, 2),
            node("Yes", "set", _assigned(yes="={{ $json.n }}"), 3.4),
            node("No", "set", _assigned(no="={{ $json.n }}"), 3.4),
            node("Size", "switch", {"rules": {"values": [rule, other]}, "options": {"fallbackOutput": "extra"}}, 3),
            node("Small", "noOp"),
            node("Middle", "noOp"),
            node("Large", "noOp"),
            node("All", "merge"),
        ],
        *("Webhook > Each", "Each > Odd", "Odd > Yes", "Odd:1 > No"),
        *("Each > Size", "Size > Small", "Size:1 > Middle", "Size:2 > Large", "Yes > All", "No > All:1"),
    )
    converted = Converted(shape)
    assert converted.told == {}
    outputs = await converted.run({"numbers": [1, 4, 6]})
    assert (outputs["yes"], outputs["no"]) == ([{"yes": 1}], [{"no": 4}, {"no": 6}])
    assert [outputs[key] for key in ("small", "middle", "large")] == [[{"n": 1}], [{"n": 4}], [{"n": 6}]]
    assert outputs["all"] == [[{"yes": 1}], [{"no": 4}, {"no": 6}]]


async def test_a_loop_becomes_nodes_that_run_for_each_item() -> None:
    shape = document(
        [
            node("Start", "manualTrigger"),
            node("Users", "httpRequest", {"url": "https://example.com/users", "options": {}}, 4.2),
            node("Loop Over Items", "splitInBatches", {"options": {}}, 3),
            node("Mail", "httpRequest", {"url": "=https://example.com/mail/{{ $json.id }}", "method": "POST", "options": {}}, 4.2),
            node("Noted", "set", _assigned(id="={{ $('Loop Over Items').item.json.id }}", sent="={{ $json.sent }}"), 3.4),
            node("Count", "summarize", {"fieldsToSummarize": {"values": [{"aggregation": "count", "field": "id"}]}, "options": {}}, 1.1),
        ],
        *("Start > Users", "Users > Loop Over Items", "Loop Over Items > Count", "Loop Over Items:1 > Mail", "Mail > Noted"),
        "Noted > Loop Over Items",
    )
    converted = Converted(shape)
    assert list(converted.told) == ["nodes.2.type"]
    assert converted.wires == {"start:main>users", "users:main>mail", "mail:main>noted", "noted:main>count"}
    assert converted.nodes["mail"].for_each is not None
    assert converted.nodes["mail"].for_each.items == "{{ input.body }}"
    users = {"status": 200, "headers": {}, "body": [{"id": 7}, {"id": 8}]}
    outputs = await converted.run(
        None, users=lambda config, item: users, mail=lambda config, item: {"status": 200, "headers": {}, "body": {"sent": config.url[-1]}}
    )
    assert outputs["noted"] == [{"id": 7, "sent": "7"}, {"id": 8, "sent": "8"}]
    assert outputs["count"] == {"count_id": 2}


def test_one_remark_stands_where_many_items_come_in() -> None:
    shape = document(
        [
            node("Start", "manualTrigger"),
            node("Rows", "googleSheets", {"operation": "read", "documentId": {"value": "1"}}, 4.5),
            node("Name", "set", _assigned(name="={{ $json.first }} {{ $json.last }}"), 3.4),
            node("Tell", "httpRequest", {"url": "=https://example.com/{{ $json.name }}", "options": {}}, 4.2),
            node("Paid", "filter", {"conditions": _compared("={{ $json.paid }}", "boolean", "true", ""), "options": {}}, 2),
            node("Once", "httpRequest", {"url": "https://example.com/done", "options": {}}, 4.2, executeOnce=True),
            node("Chat", "slack", {"text": "={{ $json.x }}"}, 2.2),
        ],
        *("Start > Rows", "Rows > Name", "Name > Tell", "Rows > Paid", "Tell > Once", "Rows > Chat"),
    )
    converted = Converted(shape)
    assert "spreadsheets" in converted.told["nodes.1.type"]
    assert "chat.postMessage" in converted.told["nodes.6.type"]
    (remark,) = converted.said_of("name")
    assert "“Rows” gives many items" in remark
    assert "Run for each item of a list" in remark
    name = converted.nodes["name"]
    assert name.for_each is not None
    assert (name.for_each.items, name.config["fields"]) == ("{{ input }}", {"name": "{{ item.first }} {{ item.last }}"})
    assert converted.said_of("tell") == [], "what goes in is a list for sure"
    assert converted.nodes["tell"].config["url"] == "https://example.com/{{ item.name }}"
    (remark,) = converted.said_of("paid")
    assert "“Items” is {{ input }} now" in remark
    assert converted.nodes["once"].for_each is None
    assert set(converted.told) == {"nodes.1.type", "nodes.2", "nodes.4", "nodes.6.type"}


def test_pinned_data_shows_that_an_answer_is_a_list() -> None:
    nodes = [
        node("Start", "manualTrigger"),
        node("Get", "httpRequest", {"url": "https://example.com", "options": {}}, 4.2),
        node("Use", "set", _assigned(id="={{ $json.id }}", first="={{ $('Get').first().json.id }}"), 3.4),
    ]
    one = Converted(document(nodes, "Start > Get", "Get > Use"))
    assert one.configs["use"][1]["fields"] == {"id": "{{ input.body.id }}", "first": "{{ nodes.get.body.id }}"}
    many = Converted(document(nodes, "Start > Get", "Get > Use", pinData={"Get": [{"id": 1}, {"id": 2}]}))
    assert many.configs["use"][1]["fields"] == {"id": "{{ item.id }}", "first": "{{ nodes.get.body[0].id }}"}
    assert many.nodes["use"].for_each is not None
    assert many.nodes["use"].for_each.items == "{{ input.body }}"


async def test_merges() -> None:
    def merged(parameters: dict[str, Any], version: float = 3) -> Converted:
        nodes = [
            WEBHOOK,
            node("Left", "splitOut", {"fieldToSplitOut": "body.left", "options": {}}),
            node("Right", "splitOut", {"fieldToSplitOut": "body.right", "options": {}}),
            node("Both", "merge", parameters, version),
        ]
        return Converted(document(nodes, "Webhook > Right", "Webhook > Left", "Right > Both:1", "Left > Both"))

    left, right = [{"id": 1, "a": "x"}, {"id": 2, "a": "y"}], [{"id": 2, "a": "z", "b": 3}, {"id": 9}]
    by = {"mode": "combine", "fieldsToMatchString": "id", "options": {}}
    expected = [
        (merged({"mode": "combine", "combineBy": "combineByPosition", "options": {}}), [{"id": 2, "a": "z", "b": 3}, {"id": 9, "a": "y"}]),
        (merged(by), [{"id": 2, "a": "z", "b": 3}]),
        (merged({**by, "joinMode": "enrichInput1"}), [{"id": 2, "a": "z", "b": 3}, {"id": 1, "a": "x"}]),
        (merged({**by, "joinMode": "enrichInput2"}), [{"id": 2, "a": "y", "b": 3}, {"id": 9}]),
        (merged({**by, "joinMode": "keepNonMatches", "outputDataFrom": "input1"}), [{"id": 1, "a": "x"}]),
        (merged({**by, "joinMode": "keepMatches", "outputDataFrom": "input2"}), [{"id": 2, "a": "z", "b": 3}]),
        (
            merged({"mode": "combine", "mergeByFields": {"values": [{"field1": "id", "field2": "id"}]}, "joinMode": "keepEverything"}, 2.1),
            [{"id": 2, "a": "z", "b": 3}, {"id": 1, "a": "x"}, {"id": 9}],
        ),
        (merged({"mode": "removeKeyMatches", "propertyName1": "id", "propertyName2": "id"}, 1), [{"id": 1, "a": "x"}]),
        (merged({"mode": "chooseBranch", "useDataOfInput": 2}), right),
        (merged({"mode": "passThrough", "output": "input2"}, 1), right),
        (merged({"mode": "append"}), [left, right]),
    ]
    for converted, output in expected:
        assert converted.told == {}
        assert (await converted.run({"left": left, "right": right}))["both"] == output
    assert list(merged({"mode": "combineBySql", "query": "SELECT 1"}).told) == ["nodes.3.parameters.mode", "nodes.3.parameters.query"]


async def test_one_item_of_each_input_is_combined_or_listed() -> None:
    nodes = [
        WEBHOOK,
        node("A", "set", _assigned(a="1"), 3.4),
        node("B", "httpRequest", {"url": "https://example.com", "options": {}}, 4.2),
        node("Both", "merge", {"mode": "combine", "combineBy": "combineByPosition", "options": {}}, 3),
        node("List", "merge", {}, 3),
        node("Use", "set", _assigned(n="={{ $json.a }}{{ $json.b }}"), 3.4),
    ]
    ways = ("Webhook > A", "Webhook > B", "A > Both", "B > Both:1", "Both > Use")
    converted = Converted(document(nodes, *ways))
    assert converted.nodes["both"].join == "all"
    outputs = await converted.run({}, b=lambda config, item: {"status": 200, "headers": {}, "body": {"b": "2"}})
    assert outputs["use"] == {"n": "12"}


def test_what_stays_on_top_of_a_response_is_read_where_it_is() -> None:
    nodes = [
        WEBHOOK,
        node("Get", "httpRequest", {"url": "https://example.com", "options": {}}, 4.2),
        node("More", "set", {**_assigned(mark="x"), "includeOtherFields": True}, 3.4),
        node("Use", "set", _assigned(a="={{ $json.mark }}", b="={{ $json.id }}", c="={{ $json }}"), 3.4),
        node("Hook", "set", {"values": {"string": [{"name": "mark", "value": "y"}]}, "options": {}}, 1),
        node("Last", "set", _assigned(a="={{ $json.mark }}", b="={{ $json.body.id }}"), 3.4),
    ]
    converted = Converted(document(nodes, "Webhook > Get", "Get > More", "More > Use", "Webhook > Hook", "Hook > Last"))
    assert converted.configs["use"][1]["fields"]["a"] == "{{ input.mark }}"
    assert converted.configs["use"][1]["fields"]["b"] == "{{ input.body.id }}"
    assert converted.configs["last"][1]["fields"] == {"a": "{{ input.mark }}", "b": "{{ payload.id }}"}
    assert list(converted.told) == ["nodes.3.parameters.assignments.assignments.2.value"]


async def test_code_says_that_it_is_to_be_written_anew() -> None:
    source = "const out = [];\nfor (const item of $input.all()) {\n  out.push({ json: { n: item.json.n * 2 } });\n}\nreturn out;"
    nodes = [WEBHOOK, node("Twice", "code", {"jsCode": source}, 2), node("Use", "set", _assigned(n="={{ $json.n }}"), 3.4)]
    converted = Converted(document(nodes, "Webhook > Twice", "Twice > Use"))
    assert list(converted.told) == ["nodes.1.type"]
    assert converted.configs["twice"][1]["code"].startswith("# const out = [];\n# for (const item of $input.all()) {\n#   out.push")
    assert converted.nodes["use"].for_each is not None
    await converted.run({})
    error = converted.reporter.last("twice").error
    assert error is not None
    assert "Write this anew in Python" in error.message
    converted.nodes["twice"].config["code"] = "[{'n': item['n'] * 2} for item in payload]"
    assert (await converted.run([{"n": 1}, {"n": 2}]))["use"] == [{"n": 2}, {"n": 4}]


def test_nothing_is_read_from_a_node_that_does_not_come_before() -> None:
    nodes = [WEBHOOK, node("A", "set", _assigned(a="1"), 3.4), node("B", "set", _assigned(b="={{ $('A').item.json.a }}"), 3.4)]
    converted = Converted(document(nodes, "Webhook > A", "Webhook > B"))
    assert list(converted.told) == ["nodes.2.parameters.assignments.assignments.0.value"]


def test_two_that_both_lead_to_a_node_are_told_and_two_ways_of_one_choice_are_not() -> None:
    compared = _compared(2, "number", "gt", 1)
    nodes = [
        WEBHOOK,
        node("Other", "manualTrigger"),
        node("Large", "if", {"conditions": compared, "options": {}}, 2),
        *(node(name, "httpRequest", {"url": "https://example.com", "options": {}}, 4.2) for name in ("Get", "Put", "End", "Both")),
    ]
    nodes[-1]["onError"] = "continueErrorOutput"
    nodes.append(node("Last", "set", _assigned(x="1"), 3.4))
    chosen = (
        "Webhook > Large",
        "Other > Large",
        "Large > Get",
        "Large:1 > Put",
        "Get > End",
        "Put > End",
        "End > Both",
        "Both > Last",
        "Both:1 > Last",
    )
    assert Converted(document(nodes, *chosen)).told == {}
    (remark,) = Converted(document(nodes, *chosen, "End > Last")).told.values()
    assert "“End” and “Both” both lead here" in remark or "“Both” and “End” both lead here" in remark
