// What the chat needs of the browser: the message field, scrolling, colours and formulas, copying, and asking before strangers' pages open.
window.obotChat = (() => {
  const vendor = new Map();
  const load = path => {
    if (!vendor.has(path)) {
      vendor.set(path, new Promise((done, failed) => {
        const script = Object.assign(document.createElement('script'), { src: `_content/Obot.Chat/vendor/${path}`, onload: done, onerror: failed });
        document.head.appendChild(script);
      }));
    }

    return vendor.get(path);
  };

  const drafts = {
    get: key => { try { return localStorage.getItem(`obot-draft-${key}`) ?? ''; } catch { return ''; } },
    set: (key, text) => { try { text ? localStorage.setItem(`obot-draft-${key}`, text) : localStorage.removeItem(`obot-draft-${key}`); } catch { /* a browser without storage keeps no drafts */ } },
  };

  const say = (button, word) => {
    const before = button.textContent;
    button.dataset.said = word;
    if (button.dataset.copy !== undefined) { button.textContent = word; setTimeout(() => { button.textContent = before; }, 1500); }
    else setTimeout(() => delete button.dataset.said, 1500);
  };

  const copy = async (button, text) => {
    try { await obot.copy(text); say(button, 'Copied'); } catch { say(button, 'Not copied'); }
  };

  // elements whose text became colours or a formula; Blazor replaces the whole block when its text changes
  const enrich = root => {
    const code = [...root.querySelectorAll('.md code[data-lang]:not([data-done])')].filter(one => one.textContent.length < 60000);
    if (code.length) load('highlight/highlight.min.js').then(() => code.forEach(colour)).catch(() => {});
    const formulas = [...root.querySelectorAll('.md code[data-tex]:not([data-done])')].filter(one => one.textContent.length < 5000);
    if (formulas.length) load('katex/katex.min.js').then(() => formulas.forEach(typeset)).catch(() => {});
  };

  function colour(element) {
    if (element.dataset.done !== undefined) return;
    element.dataset.done = '';
    const language = element.dataset.lang;
    if (language && hljs.getLanguage(language)) element.innerHTML = hljs.highlight(element.textContent, { language, ignoreIllegals: true }).value;
  }

  function typeset(element) {
    if (element.dataset.done !== undefined) return;
    element.dataset.done = '';
    const tex = element.textContent;
    try {
      katex.render(tex, element, { output: 'mathml', displayMode: element.dataset.tex === 'block', throwOnError: true, trust: false, maxExpand: 200, maxSize: 20 });
    } catch { element.textContent = tex; }
  }

  new MutationObserver(() => enrich(document)).observe(document.body, { childList: true, subtree: true });

  function composer(root, dotnet, key) {
    const field = root.querySelector('textarea');
    const grow = () => {
      field.style.height = 'auto';
      field.style.height = `${Math.min(field.scrollHeight, innerHeight * 0.4)}px`;
      root.classList.toggle('filled', field.value.trim() !== '');
    };
    let sending = false;
    const send = async () => {
      const text = field.value;
      if (sending || !text.trim()) return;
      sending = true;
      root.classList.add('sending');
      try {
        // emptied only once it is kept
        if (await dotnet.invokeMethodAsync('SendText', text)) {
          drafts.set(key, '');
          if (field.value === text) field.value = '';
          document.dispatchEvent(new Event('obot-sent'));
        }
      } catch { /* the text stays where it is */ } finally {
        sending = false;
        root.classList.remove('sending');
        if (field.isConnected) { grow(); field.focus(); }
      }
    };
    root.obotFill = text => { field.value = text; drafts.set(key, text); grow(); field.focus(); };
    root.obotStop = () => dotnet.invokeMethodAsync('StopRun').catch(() => {});
    field.value = drafts.get(key);
    field.addEventListener('input', () => { drafts.set(key, field.value); grow(); });
    field.addEventListener('keydown', event => {
      if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) { event.preventDefault(); send(); }
    });
    root.addEventListener('click', event => event.target.closest('[data-send]') && send());
    const attach = files => {
      const input = root.querySelector('input[type=file]');
      if (!files?.length || !input || input.disabled) return false;
      const given = new DataTransfer();
      for (const file of files) given.items.add(file);
      input.files = given.files;
      input.dispatchEvent(new Event('change', { bubbles: true }));
      return true;
    };
    root.addEventListener('paste', event => { if (attach(event.clipboardData?.files)) event.preventDefault(); });
    root.addEventListener('dragover', event => {
      if (event.dataTransfer?.types.includes('Files')) { event.preventDefault(); root.classList.add('dropping'); }
    });
    root.addEventListener('dragleave', event => root.contains(event.relatedTarget) || root.classList.remove('dropping'));
    root.addEventListener('drop', event => {
      root.classList.remove('dropping');
      if (attach(event.dataTransfer?.files)) event.preventDefault();
    });
    grow();
    if (matchMedia('(hover: hover)').matches) field.focus();
  }

  // follows the answer unless the person scrolled up
  function follow(scroller) {
    const down = scroller.parentElement.querySelector('[data-down]');
    const atEnd = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 60;
    let following = true;
    const toEnd = () => { scroller.scrollTop = scroller.scrollHeight; };
    // only a person scrolls up; an answer that grew meanwhile is no reason to stay behind
    let top = 0;
    scroller.addEventListener('scroll', () => {
      if (atEnd()) following = true; else if (scroller.scrollTop < top - 2) following = false;
      top = scroller.scrollTop;
      if (down) down.hidden = following;
    }, { passive: true });
    new ResizeObserver(() => following && toEnd()).observe(scroller.firstElementChild);
    new ResizeObserver(() => following && toEnd()).observe(scroller);
    down?.addEventListener('click', () => { following = true; toEnd(); });
    const sent = () => { following = true; toEnd(); if (!scroller.isConnected) document.removeEventListener('obot-sent', sent); };
    document.addEventListener('obot-sent', sent);
    toEnd();
  }

  function ask(link, answer = () => {}) {
    const address = new URL(link.href);
    const dialog = document.createElement('dialog');
    dialog.className = 'ask-dialog';
    const add = (name, text, more) => dialog.appendChild(Object.assign(document.createElement(name), { textContent: text }, more));
    add('h3', link.dataset.ask === 'picture' ? 'Open this picture?' : 'Open this page?');
    add('p', `It is at ${address.host}. Opening it tells that host that you did, and whatever its address contains:`);
    add('code', address.href.length > 300 ? `${address.href.slice(0, 300)}…` : address.href);
    const row = document.createElement('div');
    const button = (text, kind, act) => {
      const made = Object.assign(document.createElement('button'), { textContent: text, type: 'button', className: `button small ${kind}` });
      made.addEventListener('click', () => { dialog.close(); act(); });
      row.appendChild(made);
    };
    button('Cancel', 'quiet', () => {});
    let opened = false;
    button(`Open ${address.host}`, '', () => { opened = true; window.open(address.href, '_blank', 'noopener,noreferrer'); });
    dialog.appendChild(row);
    dialog.addEventListener('close', () => { dialog.remove(); answer(opened); });
    document.body.appendChild(dialog);
    dialog.showModal();
  }

  document.addEventListener('click', event => {
    const target = event.target.closest?.('a, button, [data-drawer]');
    if (!target) return;
    if (target.matches('a[data-ask]')) { event.preventDefault(); ask(target); }
    else if (target.dataset.copy !== undefined) copy(target, target.closest('.code').querySelector('code').textContent);
    else if (target.dataset.copyText !== undefined) copy(target, target.dataset.copyText);
    else if (target.dataset.prompt !== undefined) document.querySelector('.composer')?.obotFill?.(target.dataset.prompt);
    if (target.dataset.drawer) document.querySelector('.chat')?.classList.toggle('drawer', target.dataset.drawer === 'open');
  });

  document.addEventListener('keydown', event => {
    const inField = event.target.closest?.('input, textarea, select, [contenteditable]');
    if (event.key === 'k' && (event.ctrlKey || event.metaKey)) {
      const search = document.getElementById('chat-search');
      if (search) { event.preventDefault(); document.querySelector('.chat').classList.add('drawer'); search.focus(); search.select(); }
    } else if (event.key === '/' && !inField) {
      const field = document.getElementById('composer');
      if (field) { event.preventDefault(); field.focus(); }
    } else if (event.key === 'Escape') {
      if (document.querySelector('.chat.drawer')) document.querySelector('.chat').classList.remove('drawer');
      else if (!document.querySelector('dialog[open], .mud-dialog, .mud-popover-open')) document.querySelector('.composer')?.obotStop?.();
    }
  });

  return { composer, follow, ask };
})();
