// Looks for what is typed in the names first, then in the first lines, then in the texts of all pages.
const box = document.getElementById("query"), list = document.getElementById("found");
const score = (e, q) => e.n.toLowerCase() === q ? 0 : e.n.toLowerCase().startsWith(q) ? 1
  : e.n.toLowerCase().includes(q) ? 2 : e.d.toLowerCase().includes(q) ? 3 : e.t.includes(q) ? 4 : 9;
function show() {
  const q = box.value.trim().toLowerCase();
  list.replaceChildren();
  if (q.length < 2) return;
  const hits = INDEX.map(e => [score(e, q), e]).filter(h => h[0] < 9).sort((a, b) => a[0] - b[0]).slice(0, 30);
  for (const [, e] of hits) {
    const [item, link, text] = ["li", "a", "span"].map(name => document.createElement(name));
    link.href = e.u;
    link.textContent = e.n;
    text.textContent = " " + e.d;
    item.append(link, text);
    list.append(item);
  }
  if (!hits.length) list.textContent = "nothing found";
}
box.addEventListener("input", show);
show();
