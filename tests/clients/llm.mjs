// The vendors' own clients through the gateway: OPENAI_URL ANTHROPIC_URL KEY OPENAI_MODEL ANTHROPIC_MODEL. Prints one line of JSON.
import OpenAI from 'openai';
import Anthropic from '@anthropic-ai/sdk';
import { report } from './arguments.mjs';

const [openAiUrl, anthropicUrl, key, openAiModel, anthropicModel] = process.argv.slice(2);
const openai = new OpenAI({ baseURL: openAiUrl, apiKey: key, maxRetries: 0 });
const anthropic = new Anthropic({ baseURL: anthropicUrl, apiKey: key, maxRetries: 0 });
const user = (content) => [{ role: 'user', content }];
const chat = (content, more = {}) => openai.chat.completions.create({ model: openAiModel, messages: user(content), ...more });
const message = (content, more = {}) => anthropic.messages.create({ model: anthropicModel, max_tokens: 100, messages: user(content), ...more });
const failure = async (work) => {
  try {
    await work();
    return undefined;
  } catch (error) {
    return error;
  }
};

await report(async () => {
  const said = {};
  said.chat = (await chat('hello')).choices[0].message.content;
  said.chatStream = '';
  said.usageNotAsked = 0;
  for await (const part of await chat('hello', { stream: true })) {
    said.chatStream += part.choices[0]?.delta?.content ?? '';
    said.usageNotAsked += part.usage ? 1 : 0;
  }
  for await (const part of await chat('hello', { stream: true, stream_options: { include_usage: true } })) {
    said.usage = part.usage?.total_tokens ?? said.usage;
  }
  said.chatTool = '';
  for await (const part of await chat('script:tool', { stream: true })) {
    said.chatTool += part.choices[0]?.delta?.tool_calls?.[0]?.function?.arguments ?? '';
  }
  said.responses = (await openai.responses.create({ model: openAiModel, input: 'hello' })).output_text;
  said.responsesStream = '';
  for await (const event of await openai.responses.create({ model: openAiModel, input: 'hello', stream: true })) {
    said.responsesStream += event.type === 'response.output_text.delta' ? event.delta : '';
  }
  said.messages = (await message('hello')).content[0].text;
  said.messagesStream = await anthropic.messages.stream({ model: anthropicModel, max_tokens: 100, messages: user('hello') }).finalText();
  const called = await anthropic.messages.stream({ model: anthropicModel, max_tokens: 100, messages: user('script:tool') }).finalMessage();
  said.messagesTool = JSON.stringify(called.content[0].input);
  const rate = await failure(() => chat('script:429'));
  said.rate = { status: rate?.status, retryAfter: rate?.headers?.get('retry-after') };
  said.broken = (await failure(async () => { for await (const part of await chat('script:break', { stream: true })) void part; }))?.message;
  said.brokenMessages = (await failure(async () => { for await (const part of await message('script:break', { stream: true })) void part; }))?.message;
  return said;
});
