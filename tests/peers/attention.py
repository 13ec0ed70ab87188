"""What PyTorch makes of attention, of blocks of the Transformer and of a narrow vision transformer: the fixtures of
tests/lib/attention_spec.lua. Run it as

    python tests/peers/attention.py tests/fixtures/models

It writes attention.safetensors (inputs, weights, outputs and gradients, each name beginning with its case's) and
vit.safetensors (the weights under torchvision's names).
"""
import sys

import torch
from safetensors.torch import save_file
from torch import nn
from torchvision.models.vision_transformer import VisionTransformer

BATCH, TIME, MEMORY, WIDTH, HEADS, HIDDEN = 2, 5, 7, 12, 3, 20


def keep(out, case, inputs, module, y):
    """Inputs, weights, the output, and the gradients of its sum weighted by `seed`."""
    seed = torch.randn_like(y)
    (y * seed).sum().backward()
    out[f"{case}.output"], out[f"{case}.seed"] = y.detach(), seed
    for name, t in inputs.items():
        out[f"{case}.{name}"], out[f"{case}.grad.{name}"] = t.detach(), t.grad
    for name, p in module.named_parameters():
        out[f"{case}.{name}"], out[f"{case}.grad.{name}"] = p.detach(), p.grad
    module.zero_grad()


def randomised(module):
    for p in module.parameters():
        nn.init.normal_(p, 1 if p.dim() == 1 and p.mean() == 1 else 0, 0.3)
    return module


def attention(out):
    later = torch.triu(torch.ones(TIME, TIME, dtype=torch.bool), 1)
    for case in ["plain", "causal", "padded", "cross"]:
        module = randomised(nn.MultiheadAttention(WIDTH, HEADS, batch_first=True))
        x = torch.randn(BATCH, TIME, WIDTH, requires_grad=True)
        inputs, memory, padding = {"x": x}, x, None
        if case == "cross":
            memory = inputs["memory"] = torch.randn(BATCH, MEMORY, WIDTH, requires_grad=True)
        if case == "padded":
            padding = torch.zeros(BATCH, TIME, dtype=torch.bool)
            padding[0, 3:] = padding[1, 4:] = True
            out["padded.tokens"] = torch.where(padding, 1.0, 2.0)
        y, weights = module(x, memory, memory, attn_mask=later if case == "causal" else None,
                            key_padding_mask=padding, average_attn_weights=False)
        keep(out, case, inputs, module, y)
        out[f"{case}.weights"] = weights.detach()


def blocks(out):
    later = torch.triu(torch.ones(TIME, TIME, dtype=torch.bool), 1)
    for case, pre in [("post", False), ("pre", True)]:
        given = dict(dropout=0.0, batch_first=True, norm_first=pre, activation="gelu" if pre else "relu")
        encoder = randomised(nn.TransformerEncoderLayer(WIDTH, HEADS, HIDDEN, **given))
        x = torch.randn(BATCH, TIME, WIDTH, requires_grad=True)
        keep(out, f"encoder_{case}", {"x": x}, encoder, encoder(x))
        decoder = randomised(nn.TransformerDecoderLayer(WIDTH, HEADS, HIDDEN, **given))
        x = torch.randn(BATCH, TIME, WIDTH, requires_grad=True)
        memory = torch.randn(BATCH, MEMORY, WIDTH, requires_grad=True)
        keep(out, f"decoder_{case}", {"x": x, "memory": memory}, decoder, decoder(x, memory, tgt_mask=later))


def main(folder):
    torch.manual_seed(1)
    out = {}
    attention(out)
    blocks(out)
    vit = VisionTransformer(image_size=16, patch_size=4, num_layers=4, num_heads=2, hidden_dim=8, mlp_dim=12,
                            num_classes=5).eval()
    x = torch.randn(2, 3, 16, 16)
    with torch.no_grad():
        randomised(vit)
        save_file({k: v.contiguous() for k, v in vit.state_dict().items()}, f"{folder}/vit.safetensors")
        out["vit.input"], out["vit.output"] = x, vit(x)
    save_file({k: v.contiguous() for k, v in out.items()}, f"{folder}/attention.safetensors")


if __name__ == "__main__":
    main(sys.argv[1])
