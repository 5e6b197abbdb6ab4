// 会改变什么的请求：一个请求号一件事。断了就问服务器它后来怎么样了，绝不再发一次。

import { LostError, newId, WireError } from "./wire.js";

const KEY = "easytrader.pending";
const MOST = 20;

/**
 * 一件已经交出去的事。
 *
 * state：going 在路上，asking 断了正在问，done 有结果，refused 没有做成，unknown 结果未知。
 */
export class Job {
  constructor({ request = newId(), account, verb, told, at = Date.now() / 1000 }) {
    Object.assign(this, { request, account, verb, told, at });
    this.state = "going";
    this.result = null;
    this.text = "";
  }

  get settled() {
    return this.state === "done" || this.state === "refused";
  }
}

/** 结果未知的记在这个标签页里：刷新了也还能核对。 */
export const pending = {
  load(account) {
    try {
      const kept = JSON.parse(sessionStorage.getItem(KEY)) ?? [];
      return kept.filter((each) => each.account === account).map((each) => Object.assign(new Job(each), { state: "unknown", text: "页面刷新了，还不知道结果" }));
    } catch {
      return [];
    }
  },
  keep(jobs) {
    const open = jobs.filter((job) => !job.settled).slice(0, MOST);
    const plain = open.map(({ request, account, verb, told, at }) => ({ request, account, verb, told, at }));
    sessionStorage.setItem(KEY, JSON.stringify(plain));
  },
};

/** 做；changed 在每次有变化时调用。返回同一个 job。 */
export async function perform(wire, job, kwargs, changed, ms = 10_000) {
  changed();
  try {
    take(job, await wire.call(job.verb, kwargs, { request: job.request, ms }));
  } catch (error) {
    if (error instanceof LostError) await settle(wire, job, changed);
    else if (error.type === "OutcomeUnknownError") unknown(job, error.message);
    else refuse(job, error);
  }
  changed();
  return job;
}

/** 核对：问服务器这个请求号后来怎么样了。问过之后，还没有到的请求也不会再起作用。 */
export async function settle(wire, job, changed) {
  job.state = "asking";
  changed();
  try {
    const told = await wire.settle(job.request);
    if (told.state === "never") refuse(job, new WireError({ text: "没有到服务器，什么都没有发出" }));
    else if (told.error) {
      const error = new WireError(told.error);
      if (error.type === "OutcomeUnknownError") unknown(job, error.message);
      else refuse(job, error);
    } else take(job, told.result);
  } catch (error) {
    unknown(job, error.message);
  }
  changed();
  return job;
}

function take(job, result) {
  job.result = result;
  const failed = result?.entrust_no === -1 || result?.success === false;
  job.state = failed ? "refused" : "done";
  job.text = failed ? (result.message ?? "当场被拒绝") : (result?.message ?? "");
}

function refuse(job, error) {
  job.state = "refused";
  job.text = error.message;
}

function unknown(job, text) {
  job.state = "unknown";
  job.text = text;
}
