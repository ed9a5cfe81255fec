"""python pipelines.py: makes test/golden/pipelines/: small random models and what Transformers' own pipelines give on them.

Run with the versions of ../shared/oracle/requirements.txt from anywhere; needs ../shared/golden/tokenizer/albert-unigram.
Question answering left Transformers with 5.3: here it is computed from the model's logits by the rules that its pipeline had
(transformers 5.2, pipelines/question_answering.py). Windows of long texts are cut here by hand, as tokenizers did up to 0.22:
0.23 gives hardly any (huggingface/tokenizers#2091). Offsets are written in UTF-16 units, as JavaScript counts.
"""
import json, os, shutil, warnings
import numpy as np, tokenizers, torch, transformers
from tokenizers import Tokenizer, models, pre_tokenizers, decoders, processors, trainers
from transformers import (AlbertConfig, AlbertForMaskedLM, AlbertForQuestionAnswering, AlbertForSequenceClassification,
                          AlbertForTokenClassification, AlbertModel, AutoTokenizer, pipeline)

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "pipelines")
UNIGRAM = os.path.join(HERE, "../../../shared/golden/tokenizer/albert-unigram")
warnings.filterwarnings("ignore")
transformers.logging.set_verbosity_error()

TEXTS = [
    "Anna Schmidt moved from Berlin to New York in March 1998.",
    "The old lighthouse keeper, Mr. O'Neill, rows to the island every Tuesday!",
    "Zürich's café “Odéon” was full; 東京 and Москва are far away.",
    "short",
    "A smile 😀 and a family 👩‍👩‍👧 walk into Tromsø, don't they?",
    "  two blanks before,  two  between, and some after   ",
    "The U.S. Navy paid $3,200.50 (about 2.9%) to IBM-Lenovo, Inc. in Rio de Janeiro.",
]
LONG = " ".join(TEXTS[i % len(TEXTS)] for i in range(6))


def train_bpe(folder):
    """A byte-level BPE of 700 pieces, as RoBERTa has it."""
    os.makedirs(folder)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=700, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(TEXTS * 3 + [LONG], trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=False)
    tokenizer.save(f"{folder}/tokenizer.json")
    names = dict(bos_token="<s>", eos_token="</s>", unk_token="<unk>", sep_token="</s>", pad_token="<pad>", cls_token="<s>", mask_token="<mask>")
    json.dump({"tokenizer_class": "RobertaTokenizer", "model_max_length": 128, **names}, open(f"{folder}/tokenizer_config.json", "w"), indent=1)


def make(name, cls, tokenizer, seed, scale=1.0, **config):
    """A random model. Weights are large enough that texts differ clearly."""
    folder = f"{OUT}/{name}"
    vocab = len(AutoTokenizer.from_pretrained(f"{OUT}/{tokenizer}"))
    torch.manual_seed(seed)
    model = cls(AlbertConfig(vocab_size=vocab, embedding_size=8, hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=48,
                             hidden_act="gelu", max_position_embeddings=512, pad_token_id=1 if tokenizer == "bpe" else 0, tokenizer=tokenizer, **config)).eval()
    with torch.no_grad():
        for key, p in model.named_parameters():
            if p.ndim == 2: p.normal_(0, 1.0 if "embeddings" in key else p.shape[1] ** -0.5)
            elif "LayerNorm" in key or "layer_norm" in key: p.add_(torch.randn_like(p) * 0.1)
            else: p.normal_(0, 0.1)
            if key.split(".")[0] in ("classifier", "qa_outputs"): p.mul_(scale)
    model.save_pretrained(folder)
    return folder


def utf16(text, at):
    return len(text[:at].encode("utf-16-le")) // 2


def plain(value, text=None):
    """NumPy → plain, offsets → UTF-16."""
    if isinstance(value, list): return [plain(v, text) for v in value]
    if isinstance(value, dict):
        return {k: utf16(text, v) if text is not None and k in ("start", "end") and v is not None else plain(v, text) for k, v in value.items()}
    if isinstance(value, (np.floating, np.integer)): return value.item()
    return value


def call(input, expected, **options):
    return {"input": input, "options": options, "expected": expected}


def tokenizer_folder(folder):
    """Each tokenizer's files lie once, beside the models."""
    return f"{OUT}/{json.load(open(f'{folder}/config.json'))['tokenizer']}"


def load(task, folder):
    return pipeline(task, folder, tokenizer=AutoTokenizer.from_pretrained(tokenizer_folder(folder)), device="cpu")


def fill_mask(folder):
    pipe = load("fill-mask", folder)
    mask = pipe.tokenizer.mask_token
    calls = []
    for text in (f"Anna moved from {mask} to New York.", f"{mask} rows", f"The {mask} keeper rows to the {mask}!", f"Zürich 東京 {mask} 😀"):
        calls.append(call(text, plain(pipe(text))))
        calls.append(call(text, plain(pipe(text, top_k=2)), top_k=2))
    text = f"The keeper rows to {mask}."
    # The same words twice over: Transformers takes a target's first token, here each target is one.
    targets = [t for t in ("a", "e", "th") if len(pipe.tokenizer(t, add_special_tokens=False)["input_ids"]) == 1]
    calls.append(call(text, plain(pipe(text, targets=targets)), targets=targets))
    return calls


def feature_extraction(folder):
    pipe = load("feature-extraction", folder)
    calls = []
    for text in TEXTS:
        states = np.array(pipe(text)[0])
        mean = states.mean(0)
        calls += [call(text, states.tolist()), call(text, mean.tolist(), pooling="mean"), call(text, states[0].tolist(), pooling="cls"),
                  call(text, (mean / np.linalg.norm(mean)).tolist(), pooling="mean", normalize=True),
                  call(text, (mean[:10] / np.linalg.norm(mean[:10])).tolist(), pooling="mean", normalize=True, truncate_dim=10)]
    return calls


def text_classification(folder, problem_type):
    pipe = load("text-classification", folder)
    pipe.model.config.problem_type = problem_type
    calls = []
    for i, text in enumerate(TEXTS):
        pair = {"text": text, "text_pair": TEXTS[i - 1]}
        calls += [call(text, plain(pipe(text))), call(text, plain(pipe(text, top_k=None)), top_k=None), call(text, plain(pipe(text, top_k=2)), top_k=2),
                  call(pair, plain(pipe(pair, top_k=None)), top_k=None)]
    for name in ("sigmoid", "softmax", "none"):
        calls.append(call(TEXTS[0], plain(pipe(TEXTS[0], top_k=None, function_to_apply=name)), top_k=None, function_to_apply=name))
    calls.append(call(LONG, plain(pipe(LONG, top_k=None, truncation=True, max_length=40)), top_k=None, max_length=40))
    calls.append(call(TEXTS, plain(pipe(TEXTS))))
    calls.append(call(TEXTS, plain(pipe(TEXTS, top_k=2)), top_k=2))
    return calls


def zero_shot(folder):
    pipe = load("zero-shot-classification", folder)
    labels = ["travel", "sea and ships", "money", "😀 smiles", "nothing at all"]
    calls = []
    for text in TEXTS:
        calls += [call([text, labels], plain(pipe(text, labels))),
                  call([text, labels], plain(pipe(text, labels, multi_label=True)), multi_label=True),
                  call([text, labels], plain(pipe(text, labels, hypothesis_template="Is {} meant?")), hypothesis_template="Is {} meant?")]
    calls.append(call([TEXTS[0], ["travel"]], plain(pipe(TEXTS[0], ["travel"]))))
    calls.append(call([TEXTS[0], "travel, sea ,money,"], plain(pipe(TEXTS[0], "travel, sea ,money,"))))
    calls.append(call([TEXTS, labels[:2]], plain(pipe(TEXTS, labels[:2]))))
    pipe.tokenizer.model_max_length = 40
    calls.append(call([LONG, labels], plain(pipe(LONG, labels)), max_length=40))
    return calls


def window_starts(length, size, stride):
    starts = [0]
    while starts[-1] + size < length: starts.append(starts[-1] + size - stride)
    return starts


def token_classification(folder):
    pipe = load("token-classification", folder)
    calls = []
    for text in TEXTS:
        for strategy in ("none", "simple", "first", "average", "max"):
            calls.append(call(text, plain(pipe(text, aggregation_strategy=strategy), text), aggregation_strategy=strategy))
    calls.append(call(TEXTS[0], plain(pipe(TEXTS[0], aggregation_strategy="simple", ignore_labels=["PER", "O"]), TEXTS[0]), aggregation_strategy="simple", ignore_labels=["PER", "O"]))
    size, stride = 30, 8
    whole = pipe.tokenizer(LONG, return_offsets_mapping=True, add_special_tokens=False)
    for strategy in ("simple", "first", "average", "max"):
        outputs = []
        for i, start in enumerate(window_starts(len(whole["input_ids"]), size - 2, stride)):
            ids = whole["input_ids"][start : start + size - 2]
            n = len(ids)
            inputs = {"input_ids": torch.tensor([[pipe.tokenizer.cls_token_id] + ids + [pipe.tokenizer.sep_token_id]]), "attention_mask": torch.ones(1, n + 2, dtype=torch.long),
                      "token_type_ids": torch.zeros(1, n + 2, dtype=torch.long), "special_tokens_mask": torch.tensor([[1] + [0] * n + [1]]),
                      "offset_mapping": torch.tensor([[(0, 0)] + whole["offset_mapping"][start : start + size - 2] + [(0, 0)]]), "sentence": LONG if i == 0 else None, "is_last": False}
            with torch.no_grad(): outputs.append(pipe._forward(inputs))
        strategy_value = transformers.pipelines.token_classification.AggregationStrategy[strategy.upper()]
        calls.append(call(LONG, plain(pipe.postprocess(outputs, aggregation_strategy=strategy_value), LONG), aggregation_strategy=strategy, max_length=size, stride=stride))
    return calls


# ---- question answering, by the rules of transformers 5.2 ------------------------------------------------------------

def decode_spans(start, end, topk, max_answer_len, undesired):
    outer = np.matmul(np.expand_dims(start, -1), np.expand_dims(end, 1))
    candidates = np.tril(np.triu(outer), max_answer_len - 1)
    flat = candidates.flatten()
    if topk == 1: order = [np.argmax(flat)]
    elif len(flat) <= topk: order = np.argsort(-flat)
    else:
        idx = np.argpartition(-flat, topk)[0:topk]
        order = idx[np.argsort(-flat[idx])]
    starts, ends = np.unravel_index(order, candidates.shape)[1:]
    wanted = np.isin(starts, undesired.nonzero()) & np.isin(ends, undesired.nonzero())
    starts, ends = starts[wanted], ends[wanted]
    return starts, ends, candidates[0, starts, ends]


def answer(model, tokenizer, question, context, top_k=1, doc_stride=None, max_answer_len=15, max_seq_len=None, handle_impossible_answer=False, align_to_words=True):
    max_seq_len = max_seq_len or min(tokenizer.model_max_length, 384)
    doc_stride = min(max_seq_len // 2, 128) if doc_stride is None else doc_stride
    whole = tokenizer(question, context, return_offsets_mapping=True)
    sequences, words = whole.sequence_ids(), whole.word_ids()
    first = sequences.index(1)
    last = len(sequences) - sequences[::-1].index(1)
    head, body, tail = range(0, first), range(first, last), range(last, len(sequences))
    types = whole.get("token_type_ids")
    min_null, answers = 1000000, []
    size = max_seq_len - len(head) - len(tail)
    for at in window_starts(len(body), size, doc_stride):
        take = [*head, *body[at : at + size], *tail]
        column = lambda values: [values[i] for i in take]
        ids, seq, offsets, word = column(whole["input_ids"]), column(sequences), column(whole["offset_mapping"]), column(words)
        inputs = {"input_ids": torch.tensor([ids])}
        if types is not None and "token_type_ids" in tokenizer.model_input_names: inputs["token_type_ids"] = torch.tensor([column(types)])
        with torch.no_grad(): out = model(**inputs)
        start, end = out.start_logits.numpy(), out.end_logits.numpy()
        p_mask = np.array([s != 1 and i != tokenizer.cls_token_id for s, i in zip(seq, ids)], dtype=int)
        undesired = np.abs(p_mask - 1)
        start, end = np.where(undesired == 0, -10000.0, start), np.where(undesired == 0, -10000.0, end)
        start = np.exp(start - start.max(axis=-1, keepdims=True)); start = start / start.sum()
        end = np.exp(end - end.max(axis=-1, keepdims=True)); end = end / end.sum()
        if handle_impossible_answer: min_null = min(min_null, (start[0, 0] * end[0, 0]).item())
        start[0, 0] = end[0, 0] = 0.0
        for s, e, score in zip(*decode_spans(start, end, top_k * 2 + 10 if align_to_words else top_k, max_answer_len, undesired)):
            a, b = offsets[s][0], offsets[e][1]
            if align_to_words and word[s] is not None and word[e] is not None:
                chars = lambda w: [offsets[i] for i in range(len(take)) if seq[i] == 1 and word[i] == w]
                a, b = chars(word[s])[0][0], chars(word[e])[-1][1]
            text = context[a:b]
            same = next((x for x in answers if x["answer"].lower() == text.lower()), None)
            if same: same["score"] += score.item()
            else: answers.append({"score": score.item(), "start": utf16(context, a), "end": utf16(context, b), "answer": text})
    if handle_impossible_answer: answers.append({"score": min_null, "start": 0, "end": 0, "answer": ""})
    answers = sorted(answers, key=lambda x: x["score"], reverse=True)[:top_k]
    return answers[0] if top_k == 1 else answers


def question_answering(folder):
    model, tokenizer = AlbertForQuestionAnswering.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(tokenizer_folder(folder))
    calls = []
    def add(question, context, **options):
        python = {"max_seq_len" if k == "max_length" else k: v for k, v in options.items()}
        calls.append(call([question, context], answer(model, tokenizer, question, context, **python), **options))
    for context in TEXTS:
        if context == "short": continue
        add("Where did she move?", context)
        add("Who rows?", context, top_k=3)
        add("Who rows?", context, top_k=3, align_to_words=False)
        add("What is 東京?", context, top_k=2, max_answer_len=3, handle_impossible_answer=True)
    add("Where?", LONG, top_k=4, max_length=40, doc_stride=12)
    add("Where?", LONG, top_k=4, max_length=40, doc_stride=0, handle_impossible_answer=True)
    add("Where?", LONG, max_length=64)
    add("Where?", LONG)
    return calls


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    train_bpe(f"{OUT}/bpe")
    os.makedirs(f"{OUT}/unigram")
    for file in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        if os.path.exists(f"{UNIGRAM}/{file}"): shutil.copyfile(f"{UNIGRAM}/{file}", f"{OUT}/unigram/{file}")
    ner = dict(id2label=dict(enumerate(["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "ORG"])))
    ner["label2id"] = {v: k for k, v in ner["id2label"].items()}
    nli = dict(id2label={0: "contradiction", 1: "neutral", 2: "ENTAILMENT"}, label2id={"contradiction": 0, "neutral": 1, "ENTAILMENT": 2})
    three = dict(id2label={0: "calm", 1: "glad", 2: "angry"}, label2id={"calm": 0, "glad": 1, "angry": 2})
    one = dict(id2label={0: "relevance"}, label2id={"relevance": 0})
    cases = []
    def case(task, folder, calls, config=None):
        cases.append({"task": task, "folder": os.path.basename(folder), "config": config or {}, "calls": calls})
        print(task, os.path.basename(folder), len(calls), "calls")
    f = make("fill-mask", AlbertForMaskedLM, "bpe", 1); case("fill-mask", f, fill_mask(f))
    f = make("feature-extraction", AlbertModel, "unigram", 2); case("feature-extraction", f, feature_extraction(f))
    f = make("classification-3", AlbertForSequenceClassification, "bpe", 3, 4.0, **three)
    for kind in (None, "single_label_classification", "multi_label_classification", "regression"):
        case("text-classification", f, text_classification(f, kind), {"problem_type": kind})
    f = make("classification-1", AlbertForSequenceClassification, "unigram", 4, 4.0, **one)
    for kind in (None, "regression"):
        case("text-classification", f, text_classification(f, kind), {"problem_type": kind})
    f = make("zero-shot", AlbertForSequenceClassification, "unigram", 5, 6.0, **nli); case("zero-shot-classification", f, zero_shot(f))
    for name in ("bpe", "unigram"):
        f = make(f"ner-{name}", AlbertForTokenClassification, name, 6, 3.0, **ner); case("token-classification", f, token_classification(f))
        f = make(f"qa-{name}", AlbertForQuestionAnswering, name, 7, 4.0); case("question-answering", f, question_answering(f))
    versions = {m.__name__: m.__version__ for m in (transformers, torch, tokenizers, np)}
    with open(f"{OUT}/cases.json", "w") as file:
        json.dump({"made_by": "test/golden/pipelines.py", "versions": versions, "cases": cases}, file, ensure_ascii=False, indent=0)


main()
