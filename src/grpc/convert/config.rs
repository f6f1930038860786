//! A model's configuration as a message.

use crate::{
    grpc::proto::{
        self, DataType, ModelDynamicBatching, ModelInput, ModelInstanceGroup, ModelOutput,
        ModelQueuePolicy, model_config::SchedulingChoice, model_instance_group::Kind,
        model_queue_policy::TimeoutAction,
    },
    oip,
};

impl From<oip::ModelConfig> for proto::ModelConfig {
    fn from(config: oip::ModelConfig) -> Self {
        let batching = SchedulingChoice::DynamicBatching(config.dynamic_batching.into());
        Self {
            name: config.name,
            platform: config.platform.to_owned(),
            backend: config.backend.to_owned(),
            max_batch_size: config.max_batch_size,
            input: config.input.into_iter().map(Into::into).collect(),
            output: config.output.into_iter().map(Into::into).collect(),
            instance_group: config.instance_group.into_iter().map(Into::into).collect(),
            default_model_filename: config.default_model_filename.to_owned(),
            scheduling_choice: Some(batching),
        }
    }
}

impl From<oip::InputConfig> for ModelInput {
    fn from(input: oip::InputConfig) -> Self {
        Self {
            name: input.name,
            data_type: data_type(input.data_type),
            dims: input.dims,
        }
    }
}

impl From<oip::OutputConfig> for ModelOutput {
    fn from(output: oip::OutputConfig) -> Self {
        Self {
            name: output.name,
            data_type: data_type(output.data_type),
            dims: output.dims,
        }
    }
}

impl From<oip::InstanceGroup> for ModelInstanceGroup {
    fn from(group: oip::InstanceGroup) -> Self {
        let gpus = group
            .gpus
            .into_iter()
            .map(|gpu| i32::try_from(gpu).unwrap_or(i32::MAX));
        Self {
            name: group.name,
            kind: Kind::from_str_name(group.kind).unwrap_or_default().into(),
            count: group.count,
            gpus: gpus.collect(),
        }
    }
}

impl From<oip::BatchingConfig> for ModelDynamicBatching {
    fn from(batching: oip::BatchingConfig) -> Self {
        let policy = batching.default_queue_policy;
        let action = TimeoutAction::from_str_name(policy.timeout_action).unwrap_or_default();
        let policy = ModelQueuePolicy {
            timeout_action: action.into(),
            default_timeout_microseconds: policy.default_timeout_microseconds,
            allow_timeout_override: policy.allow_timeout_override,
            max_queue_size: policy.max_queue_size,
        };
        Self {
            preferred_batch_size: batching.preferred_batch_size,
            max_queue_delay_microseconds: batching.max_queue_delay_microseconds,
            priority_levels: batching.priority_levels,
            default_priority_level: batching.default_priority_level,
            default_queue_policy: Some(policy),
        }
    }
}

fn data_type(name: &str) -> i32 {
    DataType::from_str_name(name).unwrap_or_default().into()
}
