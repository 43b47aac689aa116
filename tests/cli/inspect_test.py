"""heft inspect: what a model is made of."""

import pytest
from heft import FIXTURES, INDEX, MODELS, error_line, heft, model_arguments

LSTM = ["input", "forget", "cell", "output"]
GRU = ["reset", "update", "new"]

# name: kind, layers, directions, projection, gates, batch first, cell, packed, calls
RECURRENT = {
    "lstm_1_layer": ("LSTM", 1, 1, None, LSTM, False, False, False, 1),
    "lstm_2_layers_batch_first": ("LSTM", 2, 1, None, LSTM, True, False, False, 1),
    "lstm_3_layers_bidirectional": ("LSTM", 3, 2, None, LSTM, True, False, False, 1),
    "lstm_proj_2_layers_bidirectional": ("LSTM", 2, 2, 3, LSTM, True, False, False, 1),
    "gru_2_layers_bidirectional": ("GRU", 2, 2, None, GRU, True, False, False, 1),
    "rnn_relu_1_layer": ("RNN (relu)", 1, 1, None, ["hidden"], True, False, False, 1),
    "packed_gru_bidirectional": ("GRU", 2, 2, None, GRU, None, False, True, 1),
    "traced_lstm_2_layers_bidirectional": ("LSTM", 2, 2, None, LSTM, True, False, False, 1),
    "frozen_lstm_proj": ("LSTM", 1, 1, 4, LSTM, True, False, False, 1),
    "cell_gru": ("GRU", 1, 1, None, GRU, None, True, False, 6),
    "stream_policy_lstm": ("LSTM", 2, 1, None, LSTM, False, False, False, 8),
    "stream_lstm_cell_buffers": ("LSTM", 1, 1, None, LSTM, None, True, False, 8),
}


def listing(name: str) -> dict:
    result = heft("inspect", *model_arguments(name), "--json")
    assert result.code == 0, result.err
    return result.json


def recurrent(facts: dict) -> list[dict]:
    return [site for site in facts["sites"] if site["recurrent"]]


def parameter(facts: dict, name: str) -> dict:
    return {one["name"]: one for one in facts["parameters"]}[name]


def form(site: dict) -> tuple:
    keys = "kind layers directions projection gates batch_first cell packed calls"
    return tuple(site[key] for key in keys.split())


@pytest.mark.parametrize("name", RECURRENT)
def test_a_run_shows_kind_layers_directions_projection_gates_layout_and_calls(name):
    facts = listing(name)
    assert [form(site) for site in recurrent(facts)] == [RECURRENT[name]]
    assert facts["ran"] is True and facts["refusal"] is None
    assert sum(one["weights"] for one in facts["parameters"]) == facts["weights"]
    assert sum(one["share"] for one in facts["parameters"]) == pytest.approx(1, rel=1e-12)
    assert all(one["rankable"] for one in facts["parameters"])
    assert facts["outputs"][0]["batch_dim"] == INDEX[name]["output_batch_dim"]


@pytest.mark.parametrize("name", ["lstm_2_layers_batch_first", "lstm_proj_2_layers_bidirectional", "gru_2_layers_bidirectional",
                                  "traced_lstm_2_layers_bidirectional", "cell_gru", "frozen_lstm_proj"])
def test_without_inputs_the_graph_shows_the_same_but_for_the_calls(name):
    result = heft("inspect", FIXTURES / INDEX[name]["file"], "--json")
    assert result.code == 0, result.err
    facts = result.json
    assert facts["ran"] is False and facts["outputs"] == [] and facts["samples"] is None
    assert [form(site)[:-1] for site in recurrent(facts)] == [RECURRENT[name][:-1]]
    ran = listing(name)
    for key in ("inputs", "outputs", "parameters"):
        assert [site[key] for site in recurrent(facts)] == [site[key] for site in recurrent(ran)]
    assert {one["name"] for one in facts["parameters"]} == {one["name"] for one in ran["parameters"]}
    assert {one["rankable"] for one in facts["parameters"]} == {None}


def test_without_inputs_the_text_says_how_to_see_the_rest():
    result = heft("inspect", MODELS / "digits-lstm.pt")
    assert result.code == 0
    assert "--inputs" in result.out and "Linear" in result.out and "rows: Tensor" in result.out


def test_parameters_have_shape_type_site_role_and_method():
    facts = listing("embedding_lstm")
    rnn = parameter(facts, "rnn.weight_hh_l0")
    assert (rnn["site"], rnn["role"], rnn["method"], rnn["layer"]) == ("LSTM", "weight_hh", "unit response", "rnn.l0")
    assert rnn["shape"][0] == 4 * rnn["shape"][1] and rnn["gates"] == LSTM and rnn["dtype"] == "float32"
    embedding = next(one for one in facts["parameters"] if one["site"] == "embedding")
    assert embedding["role"] == "weight" and embedding["method"] == "linear"
    assert parameter(listing("bfloat16_lstm"), "rnn.weight_hh_l0")["dtype"] == "bfloat16"


def test_tied_weights_are_listed_once_with_their_further_names():
    facts = listing("embedding_tied_head")
    first, second = INDEX["embedding_tied_head"]["tied"][0]
    assert parameter(facts, first)["tied"] == [second]
    assert second not in {one["name"] for one in facts["parameters"]}


def test_a_parameter_that_nothing_reads_can_not_be_ranked():
    facts = listing("unused_weights")
    unread = [one for one in facts["parameters"] if not one["rankable"]]
    assert unread and {one["why_not"] for one in unread} == {"not read on these inputs"}
    assert {one["site"] for one in unread} == {None}
    text = heft("inspect", *model_arguments("unused_weights")).out
    assert "Not read on these inputs" in text and unread[0]["name"] in text


def test_buffers_keep_the_type_of_the_file():
    buffers = listing("stream_policy_lstm")["buffers"]
    assert buffers and {one["dtype"] for one in buffers} == {"float32"}
    assert "int64" in {one["dtype"] for one in listing("batch_norm_around_lstm")["buffers"]}


def test_arguments_have_types_defaults_and_what_was_given():
    optional = {one["name"]: one for one in listing("inputs_optional_left_out")["forward"]}
    assert any(not one["required"] for one in optional.values())
    numbers = listing("inputs_int_and_bool")["forward"]
    assert {"Tensor", "int", "bool"} <= {one["type"] for one in numbers}
    assert numbers[0]["given"].startswith("float32 [")


def test_outputs_have_their_names_and_only_the_target_is_scored():
    outputs = listing("outputs_dict_element")["outputs"]
    assert {one["name"]: one["scored"] for one in outputs}["logits"] is True
    assert sum(one["scored"] for one in outputs) == 1 and len(outputs) > 1
    assert all(one["rms"] > 0 for one in outputs)


@pytest.mark.parametrize("name", ["shape_boolean_mask"])
def test_a_model_that_runs_but_can_not_be_ranked_is_listed_and_then_refused(name):
    result = heft("inspect", *model_arguments(name), "--json")
    assert result.code == 5
    assert INDEX[name]["refusal_contains"] in error_line(result)
    facts = result.json
    assert facts["refusal"] == error_line(result)
    assert facts["ran"] is True and facts["outputs"] and recurrent(facts)[0]["kind"] == "LSTM"
    assert heft("inspect", *model_arguments(name)).out.startswith("model ")


@pytest.mark.parametrize("name, status, says", [("quantized_lstm", 5, "quantised"), ("quantized_linear", 5, "quantised"),
                                                ("bad/text", 3, "TorchScript"), ("bad/nan_weight", 3, "rnn.weight_hh_l0"),
                                                ("bad/inputs_wrong_name", 4, "forward expects"), ("bad/nan_baseline", 4, "NaN")])
def test_what_can_not_be_read_is_one_line_and_nothing_else(name, status, says):
    result = heft("inspect", *model_arguments(name))
    assert result.code == status
    assert says in error_line(result)
    assert result.out == ""


def test_a_model_without_weights_is_listed_and_refused_without_a_run_too():
    result = heft("inspect", FIXTURES / "bad/no_parameters.pt", "--json")
    assert result.code == 5 and "weights" in error_line(result)
    assert result.json["parameters"] == [] and result.json["forward"][0]["name"] == "x"


def test_options_of_a_run_need_inputs():
    result = heft("inspect", MODELS / "digits-lstm.pt", "--stream")
    assert result.code == 2 and "--inputs" in error_line(result) and result.out == ""


@pytest.mark.parametrize("name", ["lstm_proj_2_layers_bidirectional", "frozen_conv_lstm", "attention_multihead"])
def test_lines_fit_the_terminal(name):
    result = heft("inspect", *model_arguments(name))
    assert max(len(line) for line in result.out.splitlines()) <= 100
