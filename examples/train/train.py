"""Trains a RoBERTAlbert as a masked language model, as RoBERTa was: windows of running text, other masks each time.

    python train.py FOLDER TRAINED TEXT.txt [TEXT.txt ...] [--steps 100000] [--batch-size 32] ...

FOLDER is what `robertalbert init FOLDER --tokenizer ... --weights` makes, or an earlier TRAINED. The texts are UTF-8 files with
one passage a line. TRAINED gets config.json, model.safetensors and the tokenizer: a folder that Transformers and robertalbert load.
"""

import argparse
import math
import time
from array import array
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy
from transformers import AutoModelForMaskedLM, AutoTokenizer

IGNORED = -100  # cross_entropy's word for "no label here"


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("folder", help="what to start from")
    add("trained", help="where the trained model goes; replaced at every evaluation")
    add("texts", nargs="+", help="UTF-8 files, one passage a line")
    add("--steps", type=int, default=100_000)
    add("--batch-size", type=int, default=32, help="windows a step (default 32)")
    add("--tokens", type=int, default=512, help="tokens a window, <s> and </s> included (default 512, the tokenizer's most)")
    add("--learning-rate", type=float, default=5e-4, help="its highest, after the warm-up (default 5e-4)")
    add("--warmup-steps", type=int, help="default: 6 %% of the steps")
    add("--weight-decay", type=float, default=0.01)
    add("--mask-share", type=float, default=0.15, help="share of the tokens to be guessed (default 0.15)")
    add("--held-out-share", type=float, default=0.01, help="share of the text that is only evaluated on (default 0.01)")
    add("--evaluate-every", type=int, default=1000, help="steps between evaluations (default 1000)")
    add("--report-every", type=int, default=100, help="steps between lines of output (default 100)")
    add("--bf16", action="store_true", help="matrix products in bfloat16: faster on GPUs and on CPUs that have it")
    add("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    add("--seed", type=int, default=0)
    return parser.parse_args()


def read_stream(paths, tokenizer):
    """All passages as one row of token ids, </s> after each."""
    stream = array("i")

    def add(passages):
        for ids in tokenizer(passages, add_special_tokens=False, verbose=False)["input_ids"]:
            stream.extend(ids)
            stream.append(tokenizer.eos_token_id)

    for path in paths:
        passages = []
        with open(path, encoding="utf-8") as file:
            for line in file:
                if line.strip():
                    passages.append(line.strip())
                if len(passages) == 1000:
                    add(passages)
                    passages = []
        if passages:
            add(passages)
    return torch.tensor(stream, dtype=torch.int32)


def windows_at(starts, stream, length, tokenizer):
    """<s>, length - 2 tokens of the stream from each start, </s>: [starts, length]."""
    rows = torch.full((len(starts), length), tokenizer.eos_token_id)
    rows[:, 0] = tokenizer.bos_token_id
    for row, start in zip(rows, starts):
        row[1:-1] = stream[start : start + length - 2]
    return rows


def mask(rows, share, tokenizer, vocab_size, generator):
    """Chooses `share` of the tokens: 80 % of these become <mask>, 10 % any token, 10 % stay. Gives inputs and labels."""
    ordinary = ~torch.isin(rows, torch.tensor(tokenizer.all_special_ids))
    chosen = ordinary & (torch.rand(rows.shape, generator=generator) < share)
    kind = torch.rand(rows.shape, generator=generator)
    inputs = torch.where(chosen & (kind < 0.8), tokenizer.mask_token_id, rows)
    any_token = torch.randint(vocab_size, rows.shape, generator=generator)
    inputs = torch.where(chosen & (kind >= 0.9), any_token, inputs)
    return inputs, torch.where(chosen, rows, IGNORED)


def loss_of(model, inputs, labels, arguments):
    """Mean over the chosen tokens. Only these go through the head: its matrix is the largest by far (vocabulary × embedding)."""
    inputs, labels = inputs.to(arguments.device), labels.to(arguments.device)
    with torch.autocast(torch.device(arguments.device).type, torch.bfloat16, enabled=arguments.bf16):
        hidden = model.albert(input_ids=inputs).last_hidden_state
        logits = model.predictions(hidden[labels != IGNORED])
    return cross_entropy(logits.float(), labels[labels != IGNORED])


def held_out_loss(model, stream, arguments, tokenizer):
    """Over at most 256 windows, the same ones with the same masks every time."""
    generator = torch.Generator().manual_seed(arguments.seed)
    starts = list(range(0, len(stream) - arguments.tokens + 3, arguments.tokens - 2))[:256]
    losses, counts = [], []
    model.eval()
    with torch.no_grad():
        for at in range(0, len(starts), arguments.batch_size):
            rows = windows_at(starts[at : at + arguments.batch_size], stream, arguments.tokens, tokenizer)
            inputs, labels = mask(rows, arguments.mask_share, tokenizer, len(tokenizer), generator)
            counts.append(int((labels != IGNORED).sum()))
            losses.append(float(loss_of(model, inputs, labels, arguments)) * counts[-1])
    model.train()
    return sum(losses) / sum(counts)


def optimizer_of(model, arguments):
    """AdamW as RoBERTa's; biases and LayerNorms do not decay."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim == 1]
    groups = [
        {"params": matrices, "weight_decay": arguments.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=arguments.learning_rate, betas=(0.9, 0.98), eps=1e-6)


def schedule_of(optimizer, arguments):
    """Up to the highest learning rate during the warm-up, then down to 0, both in a straight line."""
    warmup = arguments.warmup_steps if arguments.warmup_steps is not None else math.ceil(0.06 * arguments.steps)

    def share(step):
        up = (step + 1) / max(1, warmup)
        down = (arguments.steps - step) / max(1, arguments.steps - warmup)
        return min(1.0, up, down)

    return torch.optim.lr_scheduler.LambdaLR(optimizer, share)


def main():
    arguments = read_arguments()
    torch.manual_seed(arguments.seed)
    generator = torch.Generator().manual_seed(arguments.seed + 1)
    tokenizer = AutoTokenizer.from_pretrained(arguments.folder)
    model = AutoModelForMaskedLM.from_pretrained(arguments.folder, dtype=torch.float32).to(arguments.device)
    if arguments.tokens > model.config.max_position_embeddings:
        raise SystemExit(f"--tokens {arguments.tokens}: the model has {model.config.max_position_embeddings} positions")

    stream = read_stream(arguments.texts, tokenizer)
    held_out_tokens = max(arguments.tokens, math.ceil(arguments.held_out_share * len(stream)))
    train, held_out = stream[:-held_out_tokens], stream[-held_out_tokens:]
    starts = len(train) - arguments.tokens + 3  # at each of these begins a window
    if starts < 1:
        raise SystemExit(f"the texts have {len(stream)} tokens: too few for windows of {arguments.tokens}")
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{parameters:,} parameters, {len(train):,} tokens to train on, {len(held_out):,} held out", flush=True)

    def save(step):
        loss = held_out_loss(model, held_out, arguments, tokenizer)
        print(f"step {step}: held-out loss {loss:.4f}, perplexity {math.exp(loss):.1f}", flush=True)
        model.save_pretrained(arguments.trained)
        tokenizer.save_pretrained(arguments.trained)

    optimizer = optimizer_of(model, arguments)
    schedule = schedule_of(optimizer, arguments)
    model.train()
    since, recent = time.time(), []
    for step in range(1, arguments.steps + 1):
        rows = windows_at(
            torch.randint(starts, (arguments.batch_size,), generator=generator), train, arguments.tokens, tokenizer
        )
        loss = loss_of(model, *mask(rows, arguments.mask_share, tokenizer, len(tokenizer), generator), arguments)
        if not torch.isfinite(loss):
            raise SystemExit(f"step {step}: the loss is {float(loss)}; try a lower --learning-rate. {arguments.trained} is as before")
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        recent.append(float(loss.detach()))
        if step % arguments.report_every == 0 or step == arguments.steps:
            speed = len(recent) * rows.numel() / (time.time() - since)
            print(f"step {step}: loss {sum(recent) / len(recent):.4f}, {speed:,.0f} tokens/s", flush=True)
            since, recent = time.time(), []
        if step % arguments.evaluate_every == 0 or step == arguments.steps:
            save(step)
            since = time.time()
    print(f"{Path(arguments.trained).resolve()} is ready: robertalbert check {arguments.trained}")


if __name__ == "__main__":
    main()
