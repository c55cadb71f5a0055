"""A small vision transformer with mixed precision and gradient accumulation."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import CIFAR100
from torchvision.transforms import v2


class Attention(nn.Module):
    def __init__(self, dim, heads=4, dropout=0.0):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.proj = nn.Linear(dim, dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        b, n, d = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-2, -1) / math.sqrt(d // self.heads)).softmax(dim=-1)
        out = (self.dropout(weights) @ v).transpose(1, 2).reshape(b, n, d)
        return self.proj(out)


class Block(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attention = Attention(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class ViT(nn.Module):
    def __init__(self, dim=192, depth=6, patch=4, size=32, num_classes=100):
        super().__init__()
        self.patches = nn.Conv2d(3, dim, patch, stride=patch)
        self.position = nn.Parameter(torch.zeros(1, (size // patch) ** 2, dim))
        self.blocks = nn.Sequential(*[Block(dim) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, num_classes)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2) + self.position
        return self.head(self.norm(self.blocks(x)).mean(1))


def seed_all(seed):
    torch.manual_seed(seed)
    if torch.cuda.is_available():
        torch.cuda.manual_seed_all(seed)


def main():
    seed_all(0)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    train_tf = v2.Compose([v2.RandAugment(), v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])
    test_tf = transforms.Compose([transforms.ToTensor()])
    train_ds = CIFAR100("data", train=True, transform=train_tf, download=True)
    test_ds = CIFAR100("data", train=False, transform=test_tf)
    train_dl = DataLoader(train_ds, 128, shuffle=True, num_workers=2)
    test_dl = DataLoader(test_ds, 256)
    model = torch.compile(ViT().to(device))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=3e-4, total_steps=50 * len(train_dl))
    scaler = torch.amp.GradScaler()
    accumulate = 2
    for epoch in range(50):
        model.train()
        optimizer.zero_grad()
        for step, (x, y) in enumerate(train_dl):
            with torch.autocast(device):
                loss = F.cross_entropy(model(x.to(device)), y.to(device), label_smoothing=0.1) / accumulate
            scaler.scale(loss).backward()
            if (step + 1) % accumulate == 0:
                scaler.step(optimizer)
                scaler.update()
                optimizer.zero_grad()
            schedule.step()
    model.eval()
    predictions, truth = [], []
    with torch.inference_mode():
        for x, y in test_dl:
            predictions.append(model(x.to(device)).argmax(1).cpu())
            truth.append(y)
    print("test accuracy", (torch.cat(predictions) == torch.cat(truth)).float().mean().item())
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, "vit.pt")


if __name__ == "__main__":
    main()
