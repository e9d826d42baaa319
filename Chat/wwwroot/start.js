// WebSocket at once: a negotiated connection would have to find the same silo twice.
Blazor.start({
  circuit: {
    configureSignalR: builder => builder.withUrl('_blazor', { skipNegotiation: true, transport: 1 }),
  },
});

window.obot = {
  copy: text => navigator.clipboard ? navigator.clipboard.writeText(text) : copyBySelection(text),
  scrollToEnd: element => { if (element) { element.scrollTop = element.scrollHeight; } },
};

// plain http on another host than localhost has no clipboard API
function copyBySelection(text) {
  const area = document.createElement('textarea');
  area.value = text;
  document.body.appendChild(area);
  area.select();
  document.execCommand('copy');
  area.remove();
}
