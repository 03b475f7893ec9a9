// What the API answers: docs/openapi.json describes every attribute.

export type HealthState = "ok" | "warning" | "blind" | "failed";

export interface Problem {
  code: string;
  severity: Exclude<HealthState, "ok">;
  subject: string;
  text: string;
  since: string | null;
}

export interface Role {
  name: string;
  host: string | null;
  state: string;
  last_seen_up: string | null;
  age: number | null;
  restarts: number | null;
  doing: string;
}

export interface ModelStatus {
  cloud: string;
  kind: string;
  sizes: Record<string, number>;
  age: number | null;
  stale: boolean;
  problems: number;
  failure: string | null;
  absent: boolean;
}

export interface Audit {
  uuid: string;
  name: string;
  audit_type: string;
  state: string;
  goal: string;
  strategy: string;
  next_run_time: string | null;
  message: string | null;
}

export interface Running {
  uuid: string;
  action_type: string;
  target: string;
  seconds: number;
  percent: number | null;
  detail: string | null;
  size: number | null;
  copied: number | null;
  rate: number | null;
  stalled: boolean;
}

export interface Gain {
  name: string;
  value: unknown;
  unit: string | null;
}

export interface Plan {
  uuid: string;
  state: string;
  goal: string;
  strategy: string;
  audit_uuid: string | null;
  created_at: string;
  age: number;
  total: number;
  ended: number;
  ongoing: number;
  succeeded: number;
  failed: number;
  cancelled: number;
  skipped: number;
  pending: number;
  message: string | null;
  gain: Gain | null;
  moves: number;
  running: Running[];
  rest: { seconds: number | null; low?: number; high?: number } | null;
}

export interface TimelineEvent {
  position: number;
  at: string;
  actor: string;
  type: string;
  summary: string;
  aggregate_id?: string;
  audit?: string | null;
  plan?: string | null;
}

export interface Overview {
  at: string;
  end: number;
  health: { state: HealthState; problems: Problem[] };
  installation: {
    version: string;
    cloud: string | null;
    database: string;
    simulated: boolean;
    pid: number | null;
  };
  actuation: { on: boolean; reason: string | null };
  roles: Role[];
  models: ModelStatus[];
  audits: Audit[];
  plans: Plan[];
  projections: {
    name: string;
    position: number;
    lag: number;
    building: boolean;
    quarantined: number;
  }[];
  quarantined: number;
  /** The newest ones, newest last. */
  events: TimelineEvent[];
}

export interface Amount {
  total: number;
  used: number;
  /** What can be allocated with overcommitment; null = unlimited (shared storage). */
  capacity: number | null;
}

export type Resource = "vcpus" | "memory_mb" | "disk_gb";

export interface Host extends Record<Resource, Amount> {
  name: string;
  uuid: string;
  zone: string;
  status: string;
  state: string;
  disabled_reason: string | null;
  servers: number;
  after: ({ servers: number } & Record<Resource, number>) | null;
}

export interface ModelOfMoment {
  cloud: string;
  digest: string;
  collected_at: string;
  age: number | null;
}

export interface Server {
  uuid: string;
  name: string;
  host: string | null;
  state: string;
  vcpus: number;
  memory_mb: number;
  disk_gb: number;
  project: string;
  locked: boolean;
  after_host: string | null;
}

export interface Action {
  uuid: string;
  state: string;
  action_type: string;
  parents: string[];
  input_parameters: Record<string, unknown>;
  status_message: string | null;
  updated_at: string | null;
}

export interface Reason {
  reason: string;
  text: string;
}

export interface Alternative {
  subject: string;
  kind: string;
  id: string;
  because: Reason;
}

export interface Explanation {
  record: string;
  moves: { action_uuid: string; resource_id: string; because: Reason }[];
  rejections: Alternative[];
  rejection_count: number;
  notes: Reason[];
}

export interface Decision {
  action_plan_uuid: string;
  strategy_name: string;
  state: string;
  created_at: string;
  actions: {
    uuid: string;
    action_type: string;
    input_parameters: Record<string, unknown>;
    state: string;
    because: string;
    status_message: string | null;
  }[];
  rejections: Alternative[] | null;
}
