// An OpenAI-compatible model that says what it is told to: the words behind [say …], the tool behind [call server-tool {…}], otherwise a greeting.
// Slow on purpose where the question has [slow], and a failure where it has [fail 500].
import { createServer } from 'node:http';

export const KEY = 'sk-scripted';
export const texts = new Map();

const wait = ms => new Promise(done => setTimeout(done, ms));
const text = content => typeof content === 'string' ? content : (content ?? []).map(part => part.text ?? '').join('');

export async function startModel() {
  const seen = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const piece of request) body += piece;
    const json = value => { response.setHeader('content-type', 'application/json'); response.end(JSON.stringify(value)); };
    if (request.url.endsWith('/models')) {
      return json({ object: 'list', data: ['scripted-large', 'scripted-small'].map(id => ({ id, object: 'model', created: 1, owned_by: 'scripted' })) });
    }

    const asked = JSON.parse(body);
    seen.push(asked);
    const messages = asked.messages ?? [];
    const last = messages.at(-1);
    const question = text(messages.findLast(message => message.role === 'user')?.content);
    const failure = /\[fail (\d+)\]/.exec(question);
    if (failure) {
      response.statusCode = Number(failure[1]);
      return json({ error: { message: 'scripted failure', type: 'api_error', param: null, code: null } });
    }

    const call = last?.role === 'user' && /\[call (\S+) (\{.*?\})\]/s.exec(question);
    const tool = call && (asked.tools ?? []).map(one => one.function.name).find(name => name.endsWith(call[1]));
    const key = /\[say (\w+)\]/.exec(question)?.[1];
    const answer = last?.role === 'tool' ? `The tool said: ${text(last.content).slice(0, 300)}` : key ? texts.get(key) ?? '' : 'Hello. I am a scripted model, and I answer this in a sentence or two.';
    const usage = { prompt_tokens: 1200, completion_tokens: Math.ceil(answer.length / 4), total_tokens: 1200 + Math.ceil(answer.length / 4) };
    const message = tool ? { role: 'assistant', content: null, tool_calls: [{ id: `call_${seen.length}`, type: 'function', function: { name: tool, arguments: call[2] } }] } : { role: 'assistant', content: answer };
    if (!asked.stream) {
      return json({ id: 'c1', object: 'chat.completion', created: 1, model: asked.model, choices: [{ index: 0, message, finish_reason: tool ? 'tool_calls' : 'stop' }], usage });
    }

    response.setHeader('content-type', 'text/event-stream');
    const send = (delta, finish = null) => response.write(`data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: asked.model, choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`);
    send({ role: 'assistant', content: '' });
    if (tool) {
      send({ tool_calls: [{ index: 0, ...message.tool_calls[0] }] });
    } else {
      const pieces = answer.match(/[\s\S]{1,6}/g) ?? [];
      for (const piece of pieces) {
        send({ content: piece });
        await wait(question.includes('[slow]') ? 60 : 4);
        if (response.destroyed) return;
      }
    }

    send({}, tool ? 'tool_calls' : 'stop');
    response.write(`data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: asked.model, choices: [], usage })}\n\n`);
    response.end('data: [DONE]\n\n');
  });
  await new Promise(done => server.listen(0, '127.0.0.1', done));
  return { url: `http://127.0.0.1:${server.address().port}/v1`, seen, close: () => server.close() };
}
