// Reads a large JSON text beside the page, and hands its list on in parts that take the page no time.

const PART = 400;

onmessage = ({data: {id, text, list}}) => {
  try {
    const {[list]: items, ...head} = JSON.parse(text);
    postMessage({id, head: JSON.stringify(head), last: !Array.isArray(items)});
    for (let i = 0; i < (items?.length ?? 0); i += PART) postMessage({id, part: JSON.stringify(items.slice(i, i + PART))});
    if (Array.isArray(items)) postMessage({id, last: true});
  } catch (error) {
    postMessage({id, error: String(error)});
  }
};
