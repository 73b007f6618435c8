/** Deploying a merged ticket from its page. */
import type { VNode } from "preact";
import type { Ticket } from "../server/records.ts";
import { Button, Disclosure, Field } from "./forms.tsx";
import { ticketHref } from "./links.ts";

/** A form for the deployer's task. Every command of it waits for a person afterwards. */
export function DeployAction({ ticket }: { ticket: Ticket }): VNode {
  return (
    <Disclosure id="deploy" summary="Deploy">
      <form method="post" action={`${ticketHref(ticket.id)}/deploy`} id="deploy-form">
        <Field
          form="deploy-form"
          name="words"
          kind="area"
          rows={3}
          label="Where to, and which version?"
          hint="The deployer reads it, and the steps that the project has written down. Each command waits for your word."
        />
        <Button kind="primary">Start the deployer</Button>
      </form>
    </Disclosure>
  );
}
