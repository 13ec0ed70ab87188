"""Values of losses and traces of optimisers by PyTorch, as tests/peers/training.lua; run: python training.py > training.lua"""

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
Y = [[0.3, -1.2, 2.0], [0.5, 0.1, -0.7], [1.5, 2.5, -0.2], [-0.4, 0.9, 0.6]]
T = [[1.0, 0.0, 3.0], [0.0, 2.0, 1.0], [2.0, 1.0, 0.0], [4.0, 0.0, 1.0]]
P = [[0.2, 0.5, 0.3], [1.0, 0.0, 0.0], [0.1, 0.1, 0.8], [0.25, 0.25, 0.5]]
LABELS = [1, 3, 2, 1]
WEIGHTS = [0.5, 2.0, 1.0]


def lua(value):
    if isinstance(value, (list, tuple)):
        return "{ " + ", ".join(lua(v) for v in value) + " }"
    return repr(float(value)) if not isinstance(value, int) else str(value)


def loss(name, f, given=Y):
    y = torch.tensor(given, requires_grad=True)
    value = f(y)
    value.backward()
    print(f"    {name} = {{ value = {lua(value.item())},\n      gradient = {lua(y.grad.tolist())} }},")


def cycle(optimizer, rate):
    return torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=20, cycle_momentum=True,
                                               base_momentum=0.8, max_momentum=0.95)


VALUES = [3.0, 2.0, 1.995, 1.99, 1.9, 2.0, 2.0, 2.1, 2.0, 1.5, 1.5, 1.5, 1.4, 1.45, 1.45, 1.45, 1.45]


def plateau(name, **options):
    """The rate after each of VALUES has been told."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **options)
    rates = []
    for value in VALUES:
        schedule.step(value)
        rates.append(optimizer.param_groups[0]["lr"])
    print(f"    {name} = {lua(rates)},")


def trace(name, make, steps=12, schedule=None):
    p = torch.tensor([2.0, -3.0, 0.5], requires_grad=True)
    a, b = torch.tensor([3.0, 0.4, -1.0]), torch.tensor([1.0, -1.0, 2.0])
    optimizer = make([p])
    schedule = schedule and schedule(optimizer)
    rows = []
    for step in range(steps):
        optimizer.zero_grad()
        (a * (p - b) ** 2 / 2 + torch.sin(p * (step + 1))).sum().backward()
        optimizer.step()
        if schedule:
            schedule.step() if step + 1 < steps else None
        rows.append(p.tolist())
    print(f"    {name} = {lua(rows)},")


def rosenbrock(name, steps=6, max_iter=5, **options):
    """The parameters after each step of L-BFGS down Rosenbrock's valley in four dimensions."""
    p, q = torch.tensor([-1.2, 1.0], requires_grad=True), torch.tensor([[0.5], [-0.3]], requires_grad=True)
    optimizer = torch.optim.LBFGS([p, q], max_iter=max_iter, **options)
    rows = []

    def closure():
        optimizer.zero_grad()
        x = torch.cat([p, q.flatten()])
        loss = (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()
        loss.backward()
        return loss

    for _ in range(steps):
        value = optimizer.step(closure).item()
        rows.append([value] + p.tolist() + q.flatten().tolist())
    print(f"    {name} = {lua(rows)},")


def triples(y, margin=1.5):
    """The mean over all triples of the batch, and over the hardest of each item that has one."""
    every, hard = [], []
    for i in range(4):
        far = [torch.dist(y[i], y[k]) for k in range(4) if k != i and LABELS[k] == LABELS[i]]
        near = [torch.dist(y[i], y[k]) for k in range(4) if LABELS[k] != LABELS[i]]
        every += [F.relu(a - b + margin) for a in far for b in near]
        if far:
            hard.append(F.relu(max(far) - min(near) + margin))
    return torch.stack(every).mean(), torch.stack(hard).mean()


def contrastive(y, margin=2.0):
    terms = []
    for i in range(4):
        for k in range(i + 1, 4):
            d = torch.dist(y[i], y[k])
            terms.append(d ** 2 / 2 if LABELS[i] == LABELS[k] else F.relu(margin - d) ** 2 / 2)
    return torch.stack(terms).mean()


t, labels = torch.tensor(T), torch.tensor(LABELS) - 1
signs = torch.where(t > 0, 1.0, -1.0)
rates = [[abs(v) + 0.1 for v in row] for row in Y]
print(f"-- Made by tests/peers/training.py with PyTorch {torch.__version__.split('+')[0]}; see there.")
print("return {")
print(f"  y = {lua(Y)},\n  t = {lua(T)},\n  p = {lua(P)},\n  rates = {lua(rates)},\n  labels = {lua(LABELS)},")
print(f"  weights = {lua(WEIGHTS)},\n  values = {lua(VALUES)},\n  losses = {{")
loss("mse", lambda y: F.mse_loss(y, t))
loss("l1", lambda y: F.l1_loss(y, t))
loss("huber", lambda y: F.huber_loss(y, t, delta=0.7))
loss("bce", lambda y: F.binary_cross_entropy_with_logits(y, torch.tensor(P)))
loss("poisson", lambda y: F.poisson_nll_loss(y, t, log_input=False), rates)
loss("poisson_log", lambda y: F.poisson_nll_loss(y, t, log_input=True))
loss("poisson_full", lambda y: F.poisson_nll_loss(y, t, log_input=True, full=True))
loss("kl", lambda y: F.kl_div(F.log_softmax(y, 1), torch.tensor(P), reduction="batchmean"))
loss("hinge", lambda y: F.multi_margin_loss(y, labels, margin=0.8))
loss("hinge_signs", lambda y: torch.clamp(1 - signs * y, min=0).mean())
loss("cosine", lambda y: 1 - F.cosine_similarity(y, t, dim=1).mean())
loss("correlation", lambda y: 1 - torch.stack([torch.corrcoef(torch.stack([y[:, i], t[:, i]]))[0, 1]
                                               for i in range(3)]).mean())
loss("cross_entropy", lambda y: F.cross_entropy(y, labels, weight=torch.tensor(WEIGHTS), label_smoothing=0.1))
SOFT = torch.tensor(P)
loss("soft", lambda y: F.cross_entropy(y, SOFT))
loss("soft_weighted", lambda y: F.cross_entropy(y, SOFT, weight=torch.tensor(WEIGHTS), label_smoothing=0.2))
loss("bce_positive", lambda y: F.binary_cross_entropy_with_logits(y, SOFT, pos_weight=torch.tensor(WEIGHTS)))
loss("hinge_squared", lambda y: F.multi_margin_loss(y, labels, margin=0.8, p=2))
loss("triplet", lambda y: F.triplet_margin_loss(y, t, torch.tensor(P), margin=1.5))
loss("triplet_all", lambda y: triples(y)[0])
loss("triplet_hard", lambda y: triples(y)[1])
loss("contrastive", lambda y: contrastive(y))
print("  },\n  traces = {")
trace("sgd", lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.1))
trace("adam", lambda p: torch.optim.Adam(p, lr=0.05, weight_decay=0.1))
trace("adamw", lambda p: torch.optim.AdamW(p, lr=0.05, weight_decay=0.1))
trace("rmsprop", lambda p: torch.optim.RMSprop(p, lr=0.05, alpha=0.9, weight_decay=0.1))
trace("rmsprop_momentum", lambda p: torch.optim.RMSprop(p, lr=0.05, alpha=0.9, momentum=0.8))
trace("adagrad", lambda p: torch.optim.Adagrad(p, lr=0.5, lr_decay=0.1, weight_decay=0.1, initial_accumulator_value=0.2))
trace("one_cycle", lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9), 20, lambda o: cycle(o, 0.05))
trace("one_cycle_adam", lambda p: torch.optim.Adam(p, lr=0.05), 20, lambda o: cycle(o, 0.05))
plateau("plateau", patience=1, factor=0.5, threshold=0.01)
plateau("plateau_cooldown", patience=0, factor=0.3, threshold=0, cooldown=2, min_lr=0.02)
print("  },\n  lbfgs = {")
rosenbrock("wolfe", line_search_fn="strong_wolfe")
rosenbrock("short", line_search_fn="strong_wolfe", max_iter=3, history_size=2)
rosenbrock("none", lr=0.002, max_iter=4)
print("  },\n}")
